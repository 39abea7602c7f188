from server.cache import Cache


def test_gives_what_was_put_and_nothing_else() -> None:
    cache = Cache(100)
    cache.put("a", "thing", size_bytes=10)

    assert cache.get("a") == "thing"
    assert cache.get("b") is None


def test_what_was_not_asked_for_longest_goes_first() -> None:
    cache = Cache(100)
    for name in "abcd":
        cache.put(name, name, size_bytes=25)
    cache.get("a")
    cache.put("e", "e", size_bytes=25)

    assert [cache.get(name) for name in "abcde"] == ["a", None, "c", "d", "e"]


def test_a_thing_put_again_counts_once() -> None:
    cache = Cache(100)
    for _ in range(50):
        cache.put("a", "a", size_bytes=25)
    for name in "bcd":
        cache.put(name, name, size_bytes=25)

    assert cache.get("a") == "a"


def test_what_would_push_out_everything_is_not_kept() -> None:
    cache = Cache(100)
    cache.put("small", "small", size_bytes=10)
    cache.put("large", "large", size_bytes=26)

    assert cache.get("large") is None
    assert cache.get("small") == "small"
