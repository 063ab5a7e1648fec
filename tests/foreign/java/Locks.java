import java.util.Collection;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;

/** {@code mutex}, {@code read} and {@code write}: acquire, try MS, release, mine, contenders. */
final class Locks {
    private Locks() {}

    static final class Mutex implements Recipe {
        private final NamedMutex lock;

        Mutex(CuratorFramework client, String path) {
            lock = new NamedMutex(client, path);
        }

        @Override
        public String act(String kind, String[] words) throws Exception {
            return Locks.act(lock, lock::node, words);
        }
    }

    static final class ReadWrite implements Recipe {
        private final NamedReadWrite lock;

        ReadWrite(CuratorFramework client, String path) {
            lock = NamedReadWrite.at(client, path);
        }

        @Override
        public String act(String kind, String[] words) throws Exception {
            if (kind.equals("read")) {
                return Locks.act(lock.readLock(), () -> Main.name(lock.pathOfReader()), words);
            }
            return Locks.act(lock.writeLock(), () -> Main.name(lock.pathOfWriter()), words);
        }
    }

    /** A mutex that tells which node the calling thread has. */
    static final class NamedMutex extends InterProcessMutex {
        NamedMutex(CuratorFramework client, String path) {
            super(client, path);
        }

        String path() {
            return getLockPath();
        }

        String node() {
            return Main.name(path());
        }
    }

    /** The two halves of a lock, which tell which node the calling thread has. */
    static final class NamedReadWrite extends InterProcessReadWriteLock {
        private NamedReadWrite(NamedWrite write, NamedRead read) {
            super(write, read);
        }

        static NamedReadWrite at(CuratorFramework client, String path) {
            NamedWrite write = new NamedWrite(client, path);
            return new NamedReadWrite(write, new NamedRead(client, path, write));
        }

        String pathOfReader() {
            return ((NamedRead) readLock()).path();
        }

        String pathOfWriter() {
            return ((NamedWrite) writeLock()).path();
        }
    }

    private static final class NamedWrite extends InterProcessReadWriteLock.WriteLock {
        NamedWrite(CuratorFramework client, String path) {
            super(client, path, null);
        }

        String path() {
            return getLockPath();
        }
    }

    private static final class NamedRead extends InterProcessReadWriteLock.ReadLock {
        NamedRead(CuratorFramework client, String path, NamedWrite write) {
            super(client, path, null, write);
        }

        String path() {
            return getLockPath();
        }
    }

    private interface Node {
        String name();
    }

    private static String act(InterProcessMutex lock, Node node, String[] words) throws Exception {
        switch (words[2]) {
            case "acquire" -> {
                lock.acquire();
                return "acquired " + node.name();
            }
            case "try" -> {
                boolean acquired = lock.acquire(Long.parseLong(words[3]), TimeUnit.MILLISECONDS);
                return acquired ? "acquired " + node.name() : "not acquired";
            }
            case "release" -> {
                lock.release();
                return "released";
            }
            case "mine" -> {
                return "mine " + lock.isOwnedByCurrentThread();
            }
            case "contenders" -> {
                Collection<String> nodes = lock.getParticipantNodes();
                return "contenders " + nodes.stream().map(Main::name).collect(Collectors.joining(" "));
            }
            default -> throw Recipe.unknown(words[2]);
        }
    }
}
