import java.util.function.Consumer;
import org.apache.curator.framework.CuratorFramework;

/** One recipe at one path, as one thread uses it. */
interface Recipe {
    /** Does what the words say: {@code KIND PATH VERB [ARGUMENT...]}; tells what came of it. */
    String act(String kind, String[] words) throws Exception;

    /** The recipe of a kind; what it tells by itself goes to {@code events}. */
    static Recipe of(String kind, CuratorFramework client, String path, Consumer<String> events) {
        return switch (kind) {
            case "mutex" -> new Locks.Mutex(client, path);
            case "read", "write" -> new Locks.ReadWrite(client, path);
            case "semaphore" -> new Permits(client, path);
            case "latch" -> new Elections.Latch(client, path, events);
            case "selector" -> new Elections.Selector(client, path, events);
            case "barrier" -> new Barriers.Single(client, path);
            case "double" -> new Barriers.Double(client, path);
            case "queue" -> new Queues(client, path);
            default -> throw new IllegalArgumentException(kind);
        };
    }

    static IllegalArgumentException unknown(String verb) {
        return new IllegalArgumentException(verb);
    }
}
