//! Every way in which a store can fail, for a login, a logout and a renewal: the tokens are stored, or `unsaved` has
//! them, or nothing was sent.

use grantflow_session::{FileStore, Session, SessionError, Value};
use grantflow_tests::world::*;

struct Scene {
    world: World,
    store: FaultyStore,
    session: Session,
    _folder: Option<tempfile::TempDir>,
}

/// A session whose token is over.
fn scene(on_disk: bool) -> Scene {
    let world = World::new();
    let folder = on_disk.then(|| tempfile::tempdir().unwrap());
    let store = match &folder {
        Some(folder) => world.store_over(FileStore::open(folder.path().join("grants")).unwrap()),
        None => world.store(),
    };
    let session = world.session(&store);
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    world.clear();
    Scene { world, store, session, _folder: folder }
}

impl Scene {
    fn stored(&self) -> Option<String> {
        let entry = pollster::block_on(self.store.inner.load(&key())).ok().flatten()?;
        Kept::try_of(&entry.value).map(|kept| kept.access)
    }

    fn unsaved(&self) -> String {
        let unsaved = self.session.unsaved();
        unsaved.map_or(String::new(), |it| serde_json::to_string(&it.expose_tokens().unwrap()).unwrap())
    }

    fn file(&self) -> std::path::PathBuf {
        self._folder.as_ref().unwrap().path().join("grants/ada.grant")
    }
}

struct Way {
    name: &'static str,
    on_disk: bool,
    /// The stored entry is damaged: a renewal has nothing to renew.
    damages: bool,
    arrange: fn(&Scene),
}

fn put(scene: &Scene, bytes: &[u8]) {
    scene.store.put(Some(Value::new(bytes.to_vec())));
}

fn conflict(scene: &Scene, op: Op, times: usize) {
    for _ in 0..times {
        let store = scene.store.clone();
        // The same bytes with another revision: another process's mark, made and removed.
        scene.store.before(op, move || store.put(store.entry().map(|entry| entry.value)));
    }
}

const fn way(name: &'static str, arrange: fn(&Scene)) -> Way {
    Way { name, on_disk: false, damages: false, arrange }
}

const fn damage(name: &'static str, on_disk: bool, arrange: fn(&Scene)) -> Way {
    Way { name, on_disk, damages: true, arrange }
}

fn ways() -> Vec<Way> {
    let mut ways = vec![
        way("the lock fails", |scene| scene.store.fail(Op::Lock, Fault::Before)),
        way("reading fails", |scene| scene.store.fail(Op::Load, Fault::Before)),
        way("the second reading fails", |scene| {
            let store = scene.store.clone();
            scene.store.before(Op::Load, move || store.before(Op::Load, || {}));
            let store = scene.store.clone();
            scene.store.before(Op::Lock, move || store.fail(Op::Load, Fault::Before));
        }),
        way("the mark fails", |scene| scene.store.fail(Op::Mark, Fault::Before)),
        way("the mark is made and reported as failed", |scene| scene.store.fail(Op::Mark, Fault::After)),
        way("the disk is full", |scene| scene.store.fail_times(3, Op::Tokens, Fault::Before)),
        way("the tokens are written and reported as not", |scene| scene.store.fail_times(3, Op::Tokens, Fault::After)),
        way("the removal fails", |scene| scene.store.fail(Op::Remove, Fault::Before)),
        way("the removal is done and reported as failed", |scene| scene.store.fail(Op::Remove, Fault::After)),
        damage("damaged", false, |scene| put(scene, b"grantflow-session 1 nonsense\n{}")),
        damage("empty", false, |scene| put(scene, b"")),
        damage("written by a newer version", false, |scene| put(scene, b"grantflow-session 9 abc\n{}")),
        damage("of another key", false, |scene| {
            let elsewhere = MemoryStoreOf::bob(&scene.world);
            put(scene, &elsewhere);
        }),
        damage("of another client", false, |scene| {
            let store = scene.world.store();
            let other = scene.world.client_named("other");
            let session = Session::new(&other, key(), store.as_store(), scene.world.clone());
            session.prime_blocking(scene.world.login_as(&other)).unwrap();
            put(scene, store.entry().unwrap().value.expose_secret());
        }),
        damage("a damaged file", true, |scene| std::fs::write(scene.file(), "something else").unwrap()),
        damage("an empty file", true, |scene| std::fs::write(scene.file(), "").unwrap()),
        damage("a file cut short", true, |scene| {
            let bytes = std::fs::read(scene.file()).unwrap();
            std::fs::write(scene.file(), &bytes[..bytes.len() / 2]).unwrap();
        }),
    ];
    #[cfg(unix)]
    ways.push(damage("a file that others can read", true, |scene| {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(scene.file(), std::fs::Permissions::from_mode(0o644)).unwrap();
    }));
    for (name, times) in [("one conflict", 1), ("eight conflicts", 8), ("too many conflicts", 30)] {
        let arrange: fn(&Scene) = match times {
            1 => |scene| [Op::Tokens, Op::Mark, Op::Remove].into_iter().for_each(|op| conflict(scene, op, 1)),
            8 => |scene| [Op::Tokens, Op::Mark, Op::Remove].into_iter().for_each(|op| conflict(scene, op, 8)),
            _ => |scene| [Op::Tokens, Op::Mark, Op::Remove].into_iter().for_each(|op| conflict(scene, op, 30)),
        };
        ways.push(way(name, arrange));
    }
    ways
}

struct MemoryStoreOf;

impl MemoryStoreOf {
    /// A grant that was stored under another key.
    fn bob(world: &World) -> Vec<u8> {
        let store = grantflow_session::MemoryStore::new();
        let bob = grantflow_session::Key::new("bob").unwrap();
        let session = Session::new(&world.client(), bob.clone(), store.clone(), world.clone());
        session.prime_blocking(world.login()).unwrap();
        let entry = pollster::block_on(grantflow_session::Store::load(&store, &bob)).unwrap().unwrap();
        entry.value.expose_secret().to_vec()
    }
}

/// After the failure; then the store works.
fn a_login_is_not_lost(name: &str, scene: &Scene, text: &str) {
    let stored = scene.stored().as_deref() == Some(text);
    assert!(stored || scene.unsaved().contains(text), "{name}: the login is lost");
    scene.store.heal();
    let token = scene.session.token_blocking().unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(access(&token), text, "{name}");
    assert_eq!((scene.stored().as_deref(), scene.unsaved().as_str()), (Some(text), ""), "{name}");
}

fn a_logout_is_done_or_not(name: &str, scene: &Scene, result: Result<(), SessionError>) {
    assert_eq!(scene.world.sent().len(), 0, "{name}");
    if result.is_ok() {
        assert!(scene.stored().is_none() && scene.session.peek().is_none(), "{name}: it is still there");
    }
    scene.store.heal();
    pollster::block_on(scene.session.forget()).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(scene.stored().is_none() && scene.unsaved().is_empty(), "{name}");
    assert!(matches!(scene.session.token_blocking(), Err(SessionError::Empty)), "{name}");
}

fn a_renewal_is_not_lost(name: &str, scene: &Scene, damages: bool) {
    let issued = scene.world.refreshes();
    if issued > 0 {
        let (stored, unsaved) = (scene.stored().unwrap(), scene.unsaved());
        let newest = scene.world.newest_access_token();
        assert!(stored == newest || unsaved.contains(&newest), "{name}: the new tokens are lost");
    }
    scene.store.heal();
    if damages {
        assert_eq!(scene.world.sent().len(), 0, "{name}: a request from a record that is not believed");
        return;
    }
    scene.world.advance(90);
    let token = scene.session.token_blocking().unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(scene.stored(), Some(access(&token)), "{name}");
    assert!(scene.unsaved().is_empty() && scene.world.refreshes() == 1, "{name}: {}", scene.world.refreshes());
}

#[test]
fn every_way_that_a_store_can_fail() {
    let mut rows = 0;
    for Way { name, on_disk, damages, arrange } in ways() {
        let row = |what: &str| {
            let name = format!("{what}: {name}");
            println!("{name}");
            name
        };
        let name = row("login");
        let at = scene(on_disk);
        arrange(&at);
        let login = at.world.login();
        let text = login.bearer().unwrap().expose_secret().to_owned();
        let _ = at.session.prime_blocking(login);
        a_login_is_not_lost(&name, &at, &text);

        let name = row("logout");
        let at = scene(on_disk);
        arrange(&at);
        let result = pollster::block_on(at.session.forget());
        a_logout_is_done_or_not(&name, &at, result);

        let name = row("renewal");
        let at = scene(on_disk);
        arrange(&at);
        let _ = at.session.token_blocking();
        a_renewal_is_not_lost(&name, &at, damages);
        rows += 3;
    }
    assert_eq!(rows, 3 * ways().len());
}

/// Polls until it is ready or has pended this many times.
fn pends(world: &World, future: impl Future, times: usize) -> usize {
    let mut future = Box::pin(future);
    (0..times)
        .find(|_| {
            world.step();
            poll_once(&mut future).is_ready()
        })
        .unwrap_or(times)
}

#[test]
fn dropped_at_every_await() {
    let mut rows = 0;
    for at in 0.. {
        let name = format!("login: dropped after {at} steps");
        let scene = scene(false);
        scene.world.stutter(Stutter::Step);
        let login = scene.world.login();
        let text = login.bearer().unwrap().expose_secret().to_owned();
        if pends(&scene.world, scene.session.prime(login), at) < at {
            break;
        }
        println!("{name}");
        rows += 1;
        scene.world.stutter(Stutter::Off);
        a_login_is_not_lost(&name, &scene, &text);
    }
    assert!(rows > 4, "{rows}");
    for at in 0.. {
        let name = format!("logout: dropped after {at} steps");
        let scene = scene(false);
        scene.world.stutter(Stutter::Step);
        if pends(&scene.world, scene.session.forget(), at) < at {
            break;
        }
        println!("{name}");
        rows += 1;
        scene.world.stutter(Stutter::Off);
        a_logout_is_done_or_not(&name, &scene, Err(SessionError::Busy));
    }
    assert!(rows > 8, "{rows}");
    for at in 0.. {
        let name = format!("renewal: dropped after {at} steps");
        let scene = scene(false);
        scene.world.stutter(Stutter::Step);
        if pends(&scene.world, scene.session.token(), at) < at {
            break;
        }
        println!("{name}");
        rows += 1;
        scene.world.stutter(Stutter::Off);
        // The answer may have arrived, and its tokens may be on their way into the store.
        assert!(scene.world.sent().len() <= 1, "{name}");
        scene.store.heal();
        let token = scene.session.token_blocking().unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((scene.stored(), scene.world.refreshes()), (Some(access(&token)), 1), "{name}");
    }
    assert!(rows > 14, "{rows}");
}
