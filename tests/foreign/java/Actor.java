import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.apache.curator.framework.CuratorFramework;

/** A thread with recipes of its own, by kind and path. */
final class Actor {
    private static final String END = "end";

    private final String name;
    private final CuratorFramework client;
    private final BlockingQueue<String> lines = new LinkedBlockingQueue<>();
    private final Map<String, Recipe> recipes = new TreeMap<>();
    private final Thread thread;

    Actor(String name, CuratorFramework client) {
        this.name = name;
        this.client = client;
        thread = new Thread(this::work, name);
        thread.setDaemon(true);
        thread.start();
    }

    void tell(String line) {
        lines.add(line);
    }

    void end() throws InterruptedException {
        tell(END);
        // One that waits for a lock is not waited for: its session ends.
        thread.join(1_000);
    }

    private void work() {
        try {
            for (String line = lines.take(); !line.equals(END); line = lines.take()) {
                Talk.say(name + " " + answer(line.split("\\s+")));
            }
        } catch (InterruptedException end) {
            Talk.say(name + " was interrupted");
        }
    }

    private String answer(String[] words) throws InterruptedException {
        try {
            String kind = words[0];
            String path = words[1];
            // Both halves of a lock for readers and writers are one object, or a thread could not go from one to the other.
            String key = (kind.equals("write") ? "read" : kind) + " " + path;
            Recipe recipe = recipes.get(key);
            if (recipe == null) {
                recipe = Recipe.of(kind, client, path, event -> Talk.say(name + " " + event));
                recipes.put(key, recipe);
            }
            return recipe.act(kind, words);
        } catch (InterruptedException end) {
            throw end;
        } catch (Exception error) {
            return "error " + error.getClass().getSimpleName();
        }
    }
}
