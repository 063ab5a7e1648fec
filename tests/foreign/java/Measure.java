import com.sun.management.OperatingSystemMXBean;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.apache.curator.framework.CuratorFramework;

/**
 * Tells what handing a lock on costs.
 *
 * <p>An order is a line {@code PATH CONTENDERS SESSIONS HANDOVERS}. When everybody stands in the queue it says so, and begins
 * at a line. The answer is a line too, {@code CPU TOOK MEDIAN SLOW} in nanoseconds; the lock is held on until another
 * line comes, so that whoever asks can read the server's counters while nothing happens.
 *
 * <p>A single contender does not queue: its figures are those of acquiring and releasing.
 */
final class Measure {
    private static final long STACK = 256 * 1024;
    private static final long SETTLING_MS = 100;
    private static final OperatingSystemMXBean SYSTEM =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

    private final BufferedReader input;
    private final String path;
    private final long[] took;
    /** All of these belong to whoever holds the lock. */
    private volatile int count;
    private volatile long released;
    private volatile long begun;
    private volatile long used;
    private volatile boolean over;

    private Measure(BufferedReader input, String path, int handovers) {
        this.input = input;
        this.path = path;
        took = new long[handovers];
    }

    static void run(String address) throws Exception {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        String line;
        while ((line = input.readLine()) != null) {
            String[] words = line.split(" ");
            int contenders = Integer.parseInt(words[1]);
            Measure measure = new Measure(input, words[0], Integer.parseInt(words[3]));
            List<CuratorFramework> clients = Main.connect(address, Integer.parseInt(words[2]));
            if (contenders == 1) {
                measure.alone(clients.get(0));
            } else {
                measure.inTurn(clients, contenders);
            }
            Main.close(clients);
            Talk.say("finished");
        }
    }

    private void alone(CuratorFramework client) throws Exception {
        Locks.NamedMutex lock = new Locks.NamedMutex(client, path);
        // The parent is made by the first one.
        lock.acquire();
        lock.release();
        Talk.say("standing");
        input.readLine();
        begin();
        for (count = 0; count < took.length; count++) {
            long from = System.nanoTime();
            lock.acquire();
            lock.release();
            took[count] = System.nanoTime() - from;
        }
        tell();
        input.readLine();
    }

    private void inTurn(List<CuratorFramework> clients, int contenders) throws Exception {
        CuratorFramework gateKeeper = clients.get(0);
        Locks.NamedMutex gate = new Locks.NamedMutex(gateKeeper, path);
        gate.acquire();
        CountDownLatch ended = new CountDownLatch(contenders);
        for (int at = 0; at < contenders; at++) {
            CuratorFramework client = clients.get(at % clients.size());
            new Thread(null, () -> contend(client, ended), "contender", STACK).start();
        }
        while (gateKeeper.checkExists().forPath(path).getNumChildren() <= contenders) {
            Thread.sleep(10);
        }
        Thread.sleep(SETTLING_MS);
        Talk.say("standing");
        input.readLine();
        begin();
        released = System.nanoTime();
        gate.release();
        ended.await();
    }

    private void contend(CuratorFramework client, CountDownLatch ended) {
        // An object for each: what the threads of one share is not measured.
        Locks.NamedMutex lock = new Locks.NamedMutex(client, path);
        try {
            while (!over) {
                lock.acquire();
                if (!over) {
                    granted();
                }
                released = System.nanoTime();
                lock.release();
            }
        } catch (Exception error) {
            Talk.say("failed: " + error);
            Runtime.getRuntime().halt(1);
        }
        ended.countDown();
    }

    private void granted() throws Exception {
        int at = count;
        took[at] = System.nanoTime() - released;
        count = at + 1;
        if (count == took.length) {
            tell();
            over = true;
            input.readLine();
        }
    }

    private void begin() {
        begun = System.nanoTime();
        used = SYSTEM.getProcessCpuTime();
    }

    private void tell() {
        long cpu = SYSTEM.getProcessCpuTime() - used;
        long elapsed = System.nanoTime() - begun;
        Arrays.sort(took);
        long median = took[(took.length - 1) / 2];
        long slow = took[(took.length - 1) * 99 / 100];
        Talk.say(cpu + " " + elapsed + " " + median + " " + slow);
    }
}
