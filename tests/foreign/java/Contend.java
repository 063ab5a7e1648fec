import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.zookeeper.CreateMode;

/**
 * Takes a lock again and again, from many threads, and claims in the tree what it believes to hold.
 *
 * <p>A claim is one transaction: {@code ROOT/held}, which nobody else may have, or {@code ROOT/sharing/NAME} of who reads,
 * and an entry of the ledger that names the claimant, its node, and the node's czxid. Each waits for a line before it begins.
 */
final class Contend {
    /** A sign of life. */
    private static final int SIGN = 50;
    /** Every so many rounds, it first leaves the queue again if it is not its turn at once: others lose whom they wait for. */
    private static final int IMPATIENT = 4;
    /** One of so many writes, if others can read. */
    private static final int WRITES = 4;

    private final CuratorFramework client;
    private final String root;
    private final String name;
    private final int rounds;
    private final Random random = new Random();
    /** One to be alone; and, if there is such a thing, one to share. */
    private final List<Way> ways = new ArrayList<>();

    /** A way to hold the lock. */
    private record Way(InterProcessMutex lock, Supplier<String> path, boolean shared) {}

    private Contend(CuratorFramework client, String root, String name, String layout, int rounds) {
        this.client = client;
        this.root = root;
        this.name = name;
        this.rounds = rounds;
        String path = root + "/lock";
        if (layout.equals("curator-rw")) {
            Locks.NamedReadWrite lock = Locks.NamedReadWrite.at(client, path);
            ways.add(new Way(lock.writeLock(), lock::pathOfWriter, false));
            ways.add(new Way(lock.readLock(), lock::pathOfReader, true));
        } else {
            Locks.NamedMutex lock = new Locks.NamedMutex(client, path);
            ways.add(new Way(lock, lock::path, false));
        }
    }

    static void run(String[] arguments) throws Exception {
        String address = arguments[1];
        int sessions = Integer.parseInt(arguments[5]);
        int contenders = Integer.parseInt(arguments[6]);
        int rounds = Integer.parseInt(arguments[7]);
        List<CuratorFramework> clients = Main.connect(address, sessions);
        List<Thread> threads = new ArrayList<>();
        for (int at = 0; at < contenders; at++) {
            String name = arguments[3] + "-" + at;
            Contend contender = new Contend(clients.get(at % sessions), arguments[2], name, arguments[4], rounds);
            threads.add(new Thread(contender::work, name));
        }
        Talk.say("ready");
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        for (Thread thread : threads) {
            if (input.readLine() == null) {
                return;
            }
            thread.start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        Main.close(clients);
        Talk.say("done");
    }

    private void work() {
        try {
            for (int round = 1; round <= rounds; round++) {
                Way way = ways.get(random.nextInt(WRITES) == 0 ? 0 : ways.size() - 1);
                if (round % IMPATIENT != 0 || !way.lock.acquire(0, TimeUnit.MILLISECONDS)) {
                    way.lock.acquire();
                }
                claim(way);
                way.lock.release();
                if (round % SIGN == 0) {
                    Talk.say(name + " " + round);
                }
            }
        } catch (Exception error) {
            Talk.say("failed " + name + ": " + error);
            Runtime.getRuntime().halt(1);
        }
    }

    private void claim(Way way) throws Exception {
        String node = way.path.get();
        long czxid = client.checkExists().forPath(node).getCzxid();
        String mark = root + (way.shared ? "/sharing/" + name : "/held");
        String entry = root + "/ledger/" + name + "," + Main.name(node) + "," + Long.toHexString(czxid) + ",";
        client.transaction().forOperations(
            client.transactionOp().create().withMode(CreateMode.EPHEMERAL).forPath(mark),
            client.transactionOp().create().withMode(CreateMode.PERSISTENT_SEQUENTIAL).forPath(entry));
        client.delete().forPath(mark);
    }
}
