//! What is kept, and under which revision.

use super::*;

#[test]
fn it_keeps_swaps_and_removes() {
    let dir = tempfile::tempdir().unwrap();
    let (ours, theirs) = (store(&dir), store(&dir));
    assert_eq!(load(&ours), Ok(None));
    let first = swap(&ours, None, Some("one")).unwrap();
    assert!(first.is_some());
    assert_eq!(swap(&theirs, None, Some("two")), Ok(None), "there is an entry");
    let second = swap(&theirs, first, Some("two")).unwrap();
    assert_eq!(swap(&ours, first, Some("three")), Ok(None), "the revision is old");
    assert_eq!(load(&ours), Ok(second.map(|revision| (revision, "two".to_owned()))));
    assert_eq!(swap(&ours, first, None), Ok(None));
    assert!(swap(&ours, second, None).unwrap() > second);
    assert_eq!(load(&theirs), Ok(None));
    assert_eq!(swap(&theirs, second, Some("late")), Ok(None));

    let other = Key::new("bob@as").unwrap();
    assert!(block_on(ours.load(&other)).unwrap().is_none());
}

#[test]
fn no_revision_comes_twice() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir);
    let mut last = None;
    for _ in 0..3 {
        let made = swap(&store, None, Some("one")).unwrap();
        assert!(made > last);
        last = swap(&store, made, None).unwrap();
        assert!(last > made);
    }
    // Not after somebody has deleted the file either, nor with an old copy of it in its place.
    let made = swap(&store, None, Some("one")).unwrap();
    let copy = fs::read(file(&dir, "grant")).unwrap();
    let second = swap(&store, made, Some("two")).unwrap();
    fs::write(file(&dir, "grant"), copy).unwrap();
    assert_eq!(text(&store).as_deref(), Some("one"));
    let third = swap(&store, made, Some("three")).unwrap();
    assert!(third > second);
    fs::remove_file(file(&dir, "grant")).unwrap();
    assert!(swap(&store, None, Some("four")).unwrap() > third);
}

#[test]
fn it_says_where_it_is_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let ours = store(&dir);
    swap(&ours, None, Some("SECRET")).unwrap();
    assert!(format!("{ours:?}").ends_with("grants)"), "{ours:?}");
}
