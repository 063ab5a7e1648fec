import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.locks.Lease;

/** {@code semaphore}: acquire MAX [LEASES], try MAX LEASES MS, release, nodes, participants. The first line fixes the maximum. */
final class Permits implements Recipe {
    private final CuratorFramework client;
    private final String path;
    private final List<Lease> mine = new ArrayList<>();
    private InterProcessSemaphoreV2 semaphore;

    Permits(CuratorFramework client, String path) {
        this.client = client;
        this.path = path;
    }

    @Override
    public String act(String kind, String[] words) throws Exception {
        switch (words[2]) {
            case "acquire" -> {
                int leases = words.length > 4 ? Integer.parseInt(words[4]) : 1;
                mine.addAll(of(words[3]).acquire(leases));
                return held();
            }
            case "try" -> {
                int leases = Integer.parseInt(words[4]);
                long limit = Long.parseLong(words[5]);
                Collection<Lease> got = of(words[3]).acquire(leases, limit, TimeUnit.MILLISECONDS);
                if (got == null) {
                    return "not acquired";
                }
                mine.addAll(got);
                return held();
            }
            case "release" -> {
                // One lease, the oldest.
                semaphore.returnLease(mine.remove(0));
                return held();
            }
            case "nodes" -> {
                List<String> names = new ArrayList<>();
                for (Lease lease : mine) {
                    names.add(lease.getNodeName());
                }
                return "nodes " + String.join(" ", names);
            }
            case "participants" -> {
                return "participants " + semaphore.getParticipantNodes().stream().sorted().collect(Collectors.joining(" "));
            }
            default -> throw Recipe.unknown(words[2]);
        }
    }

    private InterProcessSemaphoreV2 of(String max) {
        if (semaphore == null) {
            semaphore = new InterProcessSemaphoreV2(client, path, Integer.parseInt(max));
        }
        return semaphore;
    }

    private String held() {
        return "leases " + mine.size();
    }
}
