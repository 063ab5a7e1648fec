import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.barriers.DistributedBarrier;
import org.apache.curator.framework.recipes.barriers.DistributedDoubleBarrier;

/** {@code barrier}: set, remove, wait [MS]; {@code double}: enter MEMBERS, leave. */
final class Barriers {
    private Barriers() {}

    static final class Single implements Recipe {
        private final DistributedBarrier barrier;

        Single(CuratorFramework client, String path) {
            barrier = new DistributedBarrier(client, path);
        }

        @Override
        public String act(String kind, String[] words) throws Exception {
            switch (words[2]) {
                case "set" -> {
                    barrier.setBarrier();
                    return "set";
                }
                case "remove" -> {
                    barrier.removeBarrier();
                    return "removed";
                }
                case "wait" -> {
                    if (words.length == 3) {
                        barrier.waitOnBarrier();
                        return "through";
                    }
                    boolean through = barrier.waitOnBarrier(Long.parseLong(words[3]), TimeUnit.MILLISECONDS);
                    return through ? "through" : "not through";
                }
                default -> throw Recipe.unknown(words[2]);
            }
        }
    }

    static final class Double implements Recipe {
        private final CuratorFramework client;
        private final String path;
        private DistributedDoubleBarrier barrier;

        Double(CuratorFramework client, String path) {
            this.client = client;
            this.path = path;
        }

        @Override
        public String act(String kind, String[] words) throws Exception {
            switch (words[2]) {
                case "enter" -> {
                    barrier = new DistributedDoubleBarrier(client, path, Integer.parseInt(words[3]));
                    barrier.enter();
                    return "entered";
                }
                case "leave" -> {
                    barrier.leave();
                    return "left";
                }
                default -> throw Recipe.unknown(words[2]);
            }
        }
    }
}
