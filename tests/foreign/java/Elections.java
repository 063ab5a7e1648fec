import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderLatchListener;
import org.apache.curator.framework.recipes.leader.LeaderSelector;
import org.apache.curator.framework.recipes.leader.LeaderSelectorListenerAdapter;
import org.apache.curator.framework.recipes.leader.Participant;

/** {@code latch} and {@code selector}: start ID, leader, participants, close; a latch also: node; a selector: step-down. */
final class Elections {
    private Elections() {}

    static final class Latch implements Recipe {
        private final CuratorFramework client;
        private final String path;
        private final Consumer<String> events;
        private LeaderLatch latch;

        Latch(CuratorFramework client, String path, Consumer<String> events) {
            this.client = client;
            this.path = path;
            this.events = events;
        }

        @Override
        public String act(String kind, String[] words) throws Exception {
            switch (words[2]) {
                case "start" -> {
                    latch = new LeaderLatch(client, path, words[3]);
                    latch.addListener(new LeaderLatchListener() {
                        @Override
                        public void isLeader() {
                            events.accept("leads");
                        }

                        @Override
                        public void notLeader() {
                            events.accept("leads no more");
                        }
                    });
                    latch.start();
                    return "started";
                }
                case "leader" -> {
                    return "leader " + latch.getLeader().getId();
                }
                case "node" -> {
                    return "node " + Main.name(latch.getOurPath());
                }
                case "participants" -> {
                    return participants(latch.getParticipants().stream());
                }
                case "close" -> {
                    latch.close(LeaderLatch.CloseMode.SILENT);
                    return "closed";
                }
                default -> throw Recipe.unknown(words[2]);
            }
        }
    }

    static final class Selector implements Recipe {
        private final CuratorFramework client;
        private final String path;
        private final Consumer<String> events;
        private LeaderSelector selector;
        private volatile CountDownLatch enough;

        Selector(CuratorFramework client, String path, Consumer<String> events) {
            this.client = client;
            this.path = path;
            this.events = events;
        }

        @Override
        public String act(String kind, String[] words) throws Exception {
            switch (words[2]) {
                case "start" -> {
                    selector = new LeaderSelector(client, path, new Term());
                    selector.setId(words[3]);
                    selector.autoRequeue();
                    selector.start();
                    return "started";
                }
                case "step-down" -> {
                    enough.countDown();
                    return "told";
                }
                case "leader" -> {
                    return "leader " + selector.getLeader().getId();
                }
                case "participants" -> {
                    return participants(selector.getParticipants().stream());
                }
                case "close" -> {
                    selector.close();
                    return "closed";
                }
                default -> throw Recipe.unknown(words[2]);
            }
        }

        private final class Term extends LeaderSelectorListenerAdapter {
            @Override
            public void takeLeadership(CuratorFramework of) throws Exception {
                enough = new CountDownLatch(1);
                events.accept("leads");
                enough.await();
            }
        }
    }

    private static String participants(Stream<Participant> all) {
        return "participants " + all.map(one -> one.getId() + (one.isLeader() ? "*" : "")).collect(Collectors.joining(" "));
    }
}
