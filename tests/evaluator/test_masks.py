import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from evaluator import BadMask, decode_mask, encode_mask
from tests.support import pngs

planes = hnp.arrays(np.uint16, st.tuples(st.integers(1, 20), st.integers(1, 20)))


def decoded(png: bytes, height: int, width: int) -> np.ndarray:
    return decode_mask(png, file="n1/a.png", height=height, width=width)


class TestRoundTrip:
    @given(planes)
    def test_every_id_up_to_65535_survives(self, ids: np.ndarray) -> None:
        np.testing.assert_array_equal(decoded(encode_mask(ids), *ids.shape), ids)

    @given(planes)
    def test_another_library_reads_the_same_bytes(self, ids: np.ndarray) -> None:
        pixels = np.asarray(Image.open(io.BytesIO(encode_mask(ids))))

        np.testing.assert_array_equal(pixels[..., 0] + 256 * pixels[..., 1].astype(int), ids)
        assert not pixels[..., 2].any()

    @given(planes)
    def test_alpha_is_dropped(self, ids: np.ndarray) -> None:
        stream = io.BytesIO()
        channels = (ids % 256, ids // 256, ids * 0, ids // 9 % 256)
        Image.fromarray(np.stack(channels, axis=-1).astype(np.uint8), "RGBA").save(stream, "PNG")

        np.testing.assert_array_equal(decoded(stream.getvalue(), *ids.shape), ids)


class TestMessages:
    @pytest.mark.parametrize(
        ("png", "message"),
        [
            (pngs.of(4, 6), "n1/a.png: the mask is 6x4 but the image is 5x4 .width x height"),
            (pngs.jpeg(4, 5), "this is not a PNG image .a JPEG image.; save the mask as 8-bit RGB"),
            (b"GIF89a", "this is not a PNG image .a GIF image.; save"),
            (b"PK\3\4", "this is not a PNG image .a zip archive or a NumPy file.; save"),
            (pngs.of(4, 5)[:-12], "this PNG is damaged: it ends before its last chunk"),
            (pngs.png(4, 5, bits=16), "this PNG has 16 bits a channel, not 8"),
            (pngs.png(4, 5, colour=pngs.GREY), "this is a grey PNG; save the mask as"),
            (pngs.png(4, 5, pixels=b""), "this PNG is damaged: its data ends early or a checksum"),
            (pngs.photograph(4, 5), "blue is not 0 in 20 pixels, the first with RGB .* row 0"),
        ],
    )
    def test_they_say_what_was_found_and_what_to_do(self, png: bytes, message: str) -> None:
        with pytest.raises(BadMask, match=message):
            decoded(png, 4, 5)
