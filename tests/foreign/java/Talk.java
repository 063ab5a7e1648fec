import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Map;
import java.util.TreeMap;
import org.apache.curator.framework.CuratorFramework;

/**
 * Does what the lines of its input say, and prints what came of it.
 *
 * <p>A line is {@code ACTOR RECIPE PATH VERB [ARGUMENT...]}. Each actor is a thread, because Curator's locks belong to
 * threads; the session is shared. Answers begin with the actor's name. The end of the input ends the session.
 */
final class Talk {
    private Talk() {}

    static void run(String address) throws Exception {
        CuratorFramework client = Main.connect(address);
        say("session " + client.getZookeeperClient().getZooKeeper().getSessionId());
        client.getConnectionStateListenable().addListener((of, state) -> say("connection " + state));
        Map<String, Actor> actors = new TreeMap<>();
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        String line;
        while ((line = input.readLine()) != null && !line.equals("end")) {
            String[] words = line.trim().split("\\s+", 2);
            actors.computeIfAbsent(words[0], name -> new Actor(name, client)).tell(words[1]);
        }
        for (Actor actor : actors.values()) {
            actor.end();
        }
        client.close();
    }

    static synchronized void say(String line) {
        System.out.println(line);
        System.out.flush();
    }
}
