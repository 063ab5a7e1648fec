import java.util.List;
import java.util.stream.IntStream;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.retry.ExponentialBackoffRetry;

/** What Apache Curator does, for the tests and the measurements: one program, three parts. */
public final class Main {
    private static final int SESSION_MS = 60_000;
    private static final int CONNECT_MS = 15_000;

    private Main() {}

    public static void main(String[] arguments) throws Exception {
        String part = arguments.length < 2 ? "" : arguments[0];
        switch (part) {
            case "talk" -> Talk.run(arguments[1]);
            case "contend" -> Contend.run(arguments);
            case "measure" -> Measure.run(arguments[1]);
            default -> {
                System.err.println("talk ADDRESS | contend ADDRESS ROOT NAME LAYOUT SESSIONS CONTENDERS ROUNDS | measure ADDRESS");
                System.exit(2);
            }
        }
        // Threads of a client that is still connected would keep the program alive.
        System.exit(0);
    }

    /** A client with a session. */
    static CuratorFramework connect(String address) throws InterruptedException {
        return connect(address, 1).get(0);
    }

    /** So many clients, which connect all at once. */
    static List<CuratorFramework> connect(String address, int sessions) throws InterruptedException {
        List<CuratorFramework> clients = IntStream.range(0, sessions).mapToObj(at -> started(address)).toList();
        for (CuratorFramework client : clients) {
            client.blockUntilConnected();
        }
        return clients;
    }

    private static CuratorFramework started(String address) {
        CuratorFramework client = CuratorFrameworkFactory.builder()
            .connectString(address)
            .sessionTimeoutMs(SESSION_MS)
            .connectionTimeoutMs(CONNECT_MS)
            .retryPolicy(new ExponentialBackoffRetry(100, 5))
            .build();
        client.start();
        return client;
    }

    /** Ends their sessions, all at once: each takes its time. */
    static void close(List<CuratorFramework> clients) throws InterruptedException {
        List<Thread> closing = clients.stream().map(client -> new Thread(client::close)).toList();
        closing.forEach(Thread::start);
        for (Thread thread : closing) {
            thread.join();
        }
    }

    /** The last part of a path. */
    static String name(String path) {
        return path.substring(path.lastIndexOf('/') + 1);
    }
}
