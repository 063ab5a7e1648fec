//! Any operations, against a model that is too simple to be wrong.

use std::collections::BTreeMap;

use proptest::prelude::*;
use zk_proto::message::{CreateTtlRequest, MultiOp};

use super::*;

/// A node of the model; times are left out, for they follow the zxid.
#[derive(Clone, Debug)]
struct Node {
    czxid: i64,
    mzxid: i64,
    pzxid: i64,
    version: i32,
    creates: i32,
    deletes: i32,
    owner: SessionId,
    length: i32,
}

/// Every path and its node; children are found by looking at all paths.
#[derive(Clone, Debug)]
struct Model {
    nodes: BTreeMap<String, Node>,
}

#[derive(Clone, Debug)]
enum Op {
    Create { path: String, flags: i32 },
    Delete { path: String, version: i32 },
    Set { path: String, data: String, version: i32 },
}

#[derive(Clone, Debug)]
enum Step {
    One(bool, Op),
    Multi(bool, Vec<Op>),
    Close(bool),
}

impl Node {
    const fn new(zxid: i64, owner: SessionId, length: i32) -> Self {
        let (czxid, mzxid, pzxid) = (zxid, zxid, zxid);
        Self { czxid, mzxid, pzxid, version: 0, creates: 0, deletes: 0, owner, length }
    }
}

impl Model {
    fn new() -> Self {
        let mut nodes = BTreeMap::new();
        for path in ["/", "/zookeeper", "/zookeeper/config", "/zookeeper/quota"] {
            nodes.insert(path.to_owned(), Node::new(0, SessionId::NONE, 0));
        }
        Self { nodes }
    }

    /// What a quota on a path would count.
    fn usage(&self, path: &str) -> String {
        let below = format!("{path}/");
        let counted = self.nodes.iter().filter(|(at, _)| *at == path || at.starts_with(&below));
        let (count, bytes) =
            counted.fold((0, 0), |(count, bytes), (_, node)| (count + 1, bytes + node.length));
        format!("count={count},bytes={bytes}")
    }

    fn children(&self, path: &str) -> Vec<String> {
        let prefix = if path == "/" { "/".to_owned() } else { format!("{path}/") };
        let below = self.nodes.keys().filter_map(|other| other.strip_prefix(&prefix));
        below.filter(|rest| !rest.is_empty() && !rest.contains('/')).map(str::to_owned).collect()
    }

    fn run(&mut self, session: SessionId, op: &Op, zxid: i64) -> Result<(), ErrorCode> {
        match op {
            Op::Create { path, flags } => self.create(session, path, *flags, zxid),
            Op::Delete { path, version } => {
                let node = self.nodes.get(path).ok_or(ErrorCode::NoNode)?;
                if *version != -1 && *version != node.version {
                    return Err(ErrorCode::BadVersion);
                }
                if !self.children(path).is_empty() {
                    return Err(ErrorCode::NotEmpty);
                }
                self.remove(path, zxid);
                Ok(())
            }
            Op::Set { path, data, version } => {
                let node = self.nodes.get_mut(path).ok_or(ErrorCode::NoNode)?;
                if *version != -1 && *version != node.version {
                    return Err(ErrorCode::BadVersion);
                }
                node.version += 1;
                node.mzxid = zxid;
                node.length = i32::try_from(data.len()).unwrap();
                Ok(())
            }
        }
    }

    fn create(
        &mut self,
        session: SessionId,
        path: &str,
        flags: i32,
        zxid: i64,
    ) -> Result<(), ErrorCode> {
        let parent_path = parent(path);
        let above = self.nodes.get(&parent_path).ok_or(ErrorCode::NoNode)?;
        let suffix =
            if flags == 2 || flags == 3 { format!("{:010}", above.creates) } else { String::new() };
        let path = format!("{path}{suffix}");
        if self.nodes.contains_key(&path) {
            return Err(ErrorCode::NodeExists);
        }
        if above.owner != SessionId::NONE {
            return Err(ErrorCode::NoChildrenForEphemerals);
        }
        let owner = if flags == 1 || flags == 3 { session } else { SessionId::NONE };
        self.nodes.insert(path, Node::new(zxid, owner, 1));
        let above = self.nodes.get_mut(&parent_path).unwrap();
        above.creates += 1;
        above.pzxid = zxid;
        Ok(())
    }

    fn remove(&mut self, path: &str, zxid: i64) {
        self.nodes.remove(path);
        let above = self.nodes.get_mut(&parent(path)).unwrap();
        above.deletes += 1;
        above.pzxid = zxid;
    }

    fn close(&mut self, session: SessionId, zxid: i64) {
        let owned = self.nodes.iter().filter(|(_, node)| node.owner == session);
        let paths: Vec<String> = owned.map(|(path, _)| path.clone()).collect();
        for path in paths {
            self.remove(&path, zxid);
        }
    }
}

/// A replica that knows all kinds of nodes.
fn bench() -> Bench {
    let features = Features { extended_types: true, ..Features::default() };
    Bench { features, ..Bench::default() }
}

fn parent(path: &str) -> String {
    match path.rsplit_once('/').unwrap() {
        ("", _) => "/".to_owned(),
        (parent, _) => parent.to_owned(),
    }
}

/// Compares every node, field by field.
fn check(bench: &Bench, model: &Model) {
    let tree = bench.replica.tree();
    assert_eq!(tree.node_count(), model.nodes.len());
    for (path, expected) in &model.nodes {
        let stat = tree.node(path).unwrap_or_else(|| panic!("{path} is missing")).stat();
        let children = model.children(path);
        assert_eq!(tree.get_children(&caller(ALICE), path).unwrap().children, children, "{path}");
        assert_eq!(stat.num_children as usize, children.len(), "{path}");
        if path.starts_with("/zookeeper") {
            continue;
        }
        // What was there from the start was never counted.
        let planted = i32::from(path == "/");
        let seen = (stat.czxid.0, stat.mzxid.0, stat.pzxid.0, stat.version.0, stat.cversion.0);
        let cversion = expected.creates + expected.deletes - planted;
        let Node { czxid, mzxid, pzxid, version, .. } = *expected;
        assert_eq!(seen, (czxid, mzxid, pzxid, version, cversion), "{path}");
        assert_eq!((stat.ctime, stat.mtime), (czxid * 1000, mzxid * 1000), "{path}");
        assert_eq!((stat.ephemeral_owner, stat.data_length), (expected.owner, expected.length));
    }
}

fn run(bench: &mut Bench, model: &mut Model, step: &Step) {
    let zxid = bench.replica.last_zxid().0 + 1;
    let who = |alice: bool| if alice { ALICE } else { BOB };
    match step {
        Step::One(alice, op) => {
            let expected = model.run(who(*alice), op, zxid);
            let outcome = match bench.write_as(who(*alice), op.request()) {
                TxnResult::Error(code) => Err(code),
                _ => Ok(()),
            };
            assert_eq!(outcome, expected, "{op:?}");
        }
        Step::Multi(alice, ops) => {
            let mut trial = model.clone();
            let failed = ops
                .iter()
                .enumerate()
                .find_map(|(at, op)| Some((at, trial.run(who(*alice), op, zxid).err()?)));
            let request = WriteRequest::Multi(ops.iter().map(Op::in_multi).collect());
            let TxnResult::Multi(results) = bench.write_as(who(*alice), request) else {
                panic!("not a multi");
            };
            match failed {
                Some((at, code)) => assert_eq!(results[at], TxnResult::Error(code)),
                None => *model = trial,
            }
        }
        Step::Close(alice) => {
            model.close(who(*alice), zxid);
            let _ = bench.write_as(who(*alice), WriteRequest::CloseSession);
        }
    }
}

impl Op {
    fn request(&self) -> WriteRequest {
        match self {
            Self::Create { path, flags: 4 } => {
                WriteRequest::CreateContainer(create_request(path, 4))
            }
            Self::Create { path, flags: 5 } => {
                let CreateRequest { path, data, acl, flags } = create_request(path, 5);
                WriteRequest::CreateTtl(CreateTtlRequest { path, data, acl, flags, ttl: 1 })
            }
            Self::Create { path, flags } => create(path, *flags),
            Self::Delete { path, version } => delete(path, *version),
            Self::Set { path, data, version } => set_data(path, data, *version),
        }
    }

    fn in_multi(&self) -> MultiOp {
        match self.request() {
            WriteRequest::Create(request) => MultiOp::Create(request),
            WriteRequest::CreateContainer(request) => MultiOp::CreateContainer(request),
            WriteRequest::CreateTtl(request) => MultiOp::CreateTtl(request),
            WriteRequest::Delete(request) => MultiOp::Delete(request),
            WriteRequest::SetData(request) => MultiOp::SetData(request),
            other => panic!("{other:?}"),
        }
    }
}

fn any_path() -> impl Strategy<Value = String> {
    prop_oneof!["/[ab]", "/[ab]/[ab]", "/[ab]/[ab]/[ab]", "/a/s-000000000[0-4]",]
}

fn any_op() -> impl Strategy<Value = Op> {
    let version = prop_oneof![4 => Just(-1), 1 => 0..3_i32];
    prop_oneof![
        4 => (any_path(), 0..6_i32).prop_map(|(path, flags)| Op::Create { path, flags }),
        1 => (0..4_i32).prop_map(|flags| Op::Create { path: "/a/s-".into(), flags }),
        3 => (any_path(), version.clone())
            .prop_map(|(path, version)| Op::Delete { path, version }),
        2 => (any_path(), "[xyz]{0,3}", version)
            .prop_map(|(path, data, version)| Op::Set { path, data, version }),
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (any::<bool>(), any_op()).prop_map(|(alice, op)| Step::One(alice, op)),
        3 => (any::<bool>(), prop::collection::vec(any_op(), 0..5))
            .prop_map(|(alice, ops)| Step::Multi(alice, ops)),
        1 => any::<bool>().prop_map(Step::Close),
    ]
}

proptest! {
    #[test]
    fn any_operations_do_what_the_model_says(steps in prop::collection::vec(any_step(), 1..60)) {
        let (mut bench, mut model) = (bench(), Model::new());
        for step in &steps {
            run(&mut bench, &mut model, step);
            check(&bench, &model);
        }
    }

    #[test]
    fn replaying_the_transactions_gives_an_equal_digest_at_every_step(
        steps in prop::collection::vec(any_step(), 1..40)
    ) {
        let (mut bench, mut model) = (bench(), Model::new());
        let quota = "/zookeeper/quota/a";
        let stats = format!("{quota}/zookeeper_stats");
        bench.plant(&[quota, &format!("{quota}/zookeeper_limits"), &stats]);
        let mut replayed = Replica::default();
        for txn in &bench.log {
            let _ = replayed.apply(txn);
        }
        for step in &steps {
            let before = bench.replica.digest();
            run(&mut bench, &mut model, step);
            prop_assert_ne!(bench.replica.digest(), before);
            let _ = replayed.apply(&bench.log[bench.log.len() - 1]);
            prop_assert_eq!(replayed.digest(), bench.replica.digest());
            let counted = replayed.tree().node(&stats).unwrap().data().unwrap();
            let expected = model.usage("/a");
            prop_assert_eq!(counted, expected.as_bytes());
        }
    }
}
