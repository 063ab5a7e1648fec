import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.queue.SimpleDistributedQueue;

/** {@code queue}: offer ITEM, peek, poll [MS], take. */
final class Queues implements Recipe {
    private final SimpleDistributedQueue queue;

    Queues(CuratorFramework client, String path) {
        queue = new SimpleDistributedQueue(client, path);
    }

    @Override
    public String act(String kind, String[] words) throws Exception {
        return switch (words[2]) {
            case "offer" -> "offered " + queue.offer(words[3].getBytes(StandardCharsets.UTF_8));
            case "peek" -> item(queue.peek());
            case "poll" -> item(words.length == 3
                ? queue.poll()
                : queue.poll(Long.parseLong(words[3]), TimeUnit.MILLISECONDS));
            case "take" -> item(queue.take());
            default -> throw Recipe.unknown(words[2]);
        };
    }

    private static String item(byte[] data) {
        return data == null ? "nothing" : "item " + new String(data, StandardCharsets.UTF_8);
    }
}
