"""Crops, colours, masks and the order of batches."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import default_rng

from evaluator import encode_mask
from reference_model.data.crops import CropSize, Rectangle, cut, random_rectangle
from reference_model.data.folders import BadData, DataFolder, ImageFile
from reference_model.data.labelled import LabelledCrops, WholeImages
from reference_model.data.loading import Batches, Share, training_loader
from reference_model.data.photometric import Photometric
from reference_model.data.pictures import MEAN, STD, OpenPicture, read_mask, with_short_side
from reference_model.data.views import Drawn, MultiCrop, as_images, crop_major

NO_CHANGE = Photometric(jitter_probability=0, grey_probability=0, blur_probability=0)


class TestRectangles:
    @given(
        seed=st.integers(0, 2**16),
        width=st.integers(1, 300),
        height=st.integers(1, 300),
        smallest=st.floats(0.05, 1),
    )
    def test_lie_within_the_image(
        self, seed: int, width: int, height: int, smallest: float
    ) -> None:
        found = random_rectangle(
            default_rng(seed), width=width, height=height, area=(smallest, 1.0)
        )

        assert 0 <= found.left <= found.left + found.width <= width
        assert 0 <= found.top <= found.top + found.height <= height
        assert found.width > 0
        assert found.height > 0

    def test_have_the_asked_area_and_ratio(self) -> None:
        rng = default_rng(0)
        for _ in range(200):
            found = random_rectangle(rng, width=400, height=400, area=(0.14, 0.5))
            assert 0.13 < found.width * found.height / 400**2 < 0.51
            assert 0.74 < found.width / found.height < 1.35

    def test_are_cut_and_mirrored(self) -> None:
        picture = np.zeros((8, 8, 3), np.uint8)
        picture[2:6, 2:4] = 255

        plain = cut(picture, Rectangle(2, 2, 4, 4, mirrored=False), 4)
        mirrored = cut(picture, Rectangle(2, 2, 4, 4, mirrored=True), 4)

        assert (plain[:, :2] == 255).all()
        assert (plain[:, 2:] == 0).all()
        np.testing.assert_array_equal(mirrored, plain[:, ::-1])

    def test_mirrored_corners_change_places(self) -> None:
        assert Rectangle(2, 3, 4, 5, mirrored=True).corners().tolist() == [6, 3, 2, 8]


class TestPhotometric:
    def test_greys(self) -> None:
        picture = default_rng(0).integers(0, 256, (6, 6, 3)).astype(np.uint8)

        grey = Photometric(jitter_probability=0, grey_probability=1, blur_probability=0).apply(
            picture, default_rng(0)
        )

        expected = (picture @ np.array([0.299, 0.587, 0.114])).round()
        assert np.abs(grey[..., 0] - expected).max() <= 1
        assert (grey == grey[..., :1]).all()

    @pytest.mark.parametrize("field", ["brightness", "contrast", "saturation"])
    def test_jitter_agrees_with_its_formula(self, field: str) -> None:
        """Each blends the picture with black, with its mean grey, or with its own grey."""
        strengths = {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.0}
        changed = Photometric(
            jitter_probability=1,
            grey_probability=0,
            blur_probability=0,
            **{**strengths, field: 0.5},
        )
        picture = default_rng(1).integers(60, 190, (6, 6, 3)).astype(np.uint8)

        got = changed.apply(picture, default_rng(5))

        rng = default_rng(5)
        rng.random()
        drawn = {
            name: rng.uniform(1 - s, 1 + s)
            for name, s in {**strengths, field: 0.5}.items()
            if name != "hue"
        }
        grey = picture @ np.array([0.299, 0.587, 0.114])
        other = {"brightness": 0, "contrast": grey.mean(), "saturation": grey[..., None]}[field]
        wanted = np.clip(picture * drawn[field] + other * (1 - drawn[field]), 0, 255)
        assert np.abs(got - wanted).max() <= 1

    def test_hue_turns_red_into_green(self) -> None:
        red = np.full((2, 2, 3), (255, 0, 0), np.uint8)
        third = Photometric(
            jitter_probability=1,
            brightness=0,
            contrast=0,
            saturation=0,
            hue=1 / 3,
            grey_probability=0,
            blur_probability=0,
        )

        turned = [third.apply(red, default_rng(seed))[0, 0] for seed in range(200)]

        greenest = max(turned, key=lambda colour: int(colour[1]) - int(colour[0]))
        assert greenest[1] == 255
        assert greenest[0] < 60


class TestPictures:
    def test_reads_a_reduced_jpeg_no_smaller_than_asked(self, tmp_path: Path) -> None:
        path = tmp_path / "a.JPEG"
        cv2.imwrite(str(path), np.zeros((64, 96, 3), np.uint8))

        assert OpenPicture(path).pixels(scale=0.5).shape == (32, 48, 3)
        assert OpenPicture(path).pixels(scale=0.6).shape == (64, 96, 3)

    def test_names_a_file_that_is_no_image(self, tmp_path: Path) -> None:
        path = tmp_path / "a.JPEG"
        path.write_bytes(b"GIF")

        with pytest.raises(BadData, match=r"a\.JPEG cannot be read as an image"):
            OpenPicture(path)

    def test_names_a_damaged_image(self, tmp_path: Path) -> None:
        path = tmp_path / "a.JPEG"
        noise = default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
        whole = cv2.imencode(".jpg", noise)[1].tobytes()
        path.write_bytes(whole[: len(whole) // 2])

        with pytest.raises(BadData, match=r"a\.JPEG is damaged"):
            OpenPicture(path).pixels()

    @pytest.mark.parametrize("shape", [(40, 20), (20, 40)])
    def test_brings_the_short_side_to_a_length(self, shape: tuple[int, int]) -> None:
        resized = with_short_side(np.zeros((*shape, 3), np.uint8), 10)

        assert sorted(resized.shape[:2]) == [10, 20]

    def test_names_a_mask_that_is_missing_or_of_another_size(self, tmp_path: Path) -> None:
        image = ImageFile(path=tmp_path / "x", name="n01/a")
        with pytest.raises(BadData, match=r"n01/a\.png is not there"):
            read_mask(tmp_path, image, height=2, width=2)
        (tmp_path / "n01").mkdir()
        (tmp_path / "n01" / "a.png").write_bytes(encode_mask(np.zeros((3, 2), np.uint16)))
        with pytest.raises(BadData, match="the mask is 2x3 but the image is 2x2"):
            read_mask(tmp_path, image, height=2, width=2)


class TestFolders:
    def test_lists_images_by_name(self, data: DataFolder) -> None:
        names = [image.name for image in data.images("test")]

        assert names == sorted(names)
        assert names[0] == "n01/test_0"
        assert data.categories == ("n01", "n02", "n03")

    @pytest.mark.parametrize("split", ["train", "elsewhere"])
    def test_an_empty_folder_is_told(self, tmp_path: Path, split: str) -> None:
        with pytest.raises(BadData, match=f"{split} holds no JPEG or PNG images"):
            DataFolder(tmp_path).images(split)

    def test_two_images_of_one_mask_are_told(self, tmp_path: Path) -> None:
        (tmp_path / "test" / "n01").mkdir(parents=True)
        for name in ("a.JPEG", "a.png"):
            (tmp_path / "test" / "n01" / name).touch()

        with pytest.raises(BadData, match=r"would share the mask n01/a\.png"):
            DataFolder(tmp_path).images("test")


class TestViews:
    def views(self, data: DataFolder, seed: int = 0) -> MultiCrop:
        return MultiCrop(
            data.images("train"),
            large=CropSize(count=2, side=24, area=(0.3, 1.0)),
            small=CropSize(count=3, side=12, area=(0.1, 0.3)),
            photometric=(NO_CHANGE,),
            seed=seed,
        )

    def test_are_decided_by_seed_epoch_and_image(self, data: DataFolder) -> None:
        one, again = (self.views(data)[Drawn(2, 1)] for _ in range(2))
        others = [self.views(data)[Drawn(3, 1)], self.views(data, seed=1)[Drawn(2, 1)]]

        assert all(torch.equal(a, b) for a, b in zip(one, again, strict=True))
        assert not any(torch.equal(one.large, other.large) for other in others)

    def test_shared_points_show_the_same_pixels(self, data: DataFolder) -> None:
        """Sampled at the shared points, both crops have nearly the same colours."""
        for index in range(6):
            view = self.views(data)[Drawn(0, index)]
            images = as_images(view.large, mean=(0, 0, 0), std=(1, 1, 1))
            sampled = torch.nn.functional.grid_sample(
                images, view.points, align_corners=False, padding_mode="border"
            )
            assert (sampled[0] - sampled[1]).abs().median() < 0.1

    def test_batches_are_crop_major(self) -> None:
        batch = torch.arange(6).view(3, 2)  # three images, two crops

        assert crop_major(batch).tolist() == [0, 2, 4, 1, 3, 5]

    def test_normalises(self) -> None:
        images = as_images(torch.full((1, 2, 2, 3), 255, dtype=torch.uint8), mean=MEAN, std=STD)

        wanted = (1 - np.array(MEAN)) / np.array(STD)
        np.testing.assert_allclose(images[0, :, 0, 0], wanted, rtol=1e-5)


class TestLabelled:
    def test_image_and_mask_are_cut_alike(self, data: DataFolder) -> None:
        """The coloured square lies where the ids say so."""
        crops = LabelledCrops(
            data.images("validation"),
            data.masks("validation"),
            side=40,
            label_side=40,
            area=(0.5, 1.0),
            seed=0,
        )
        for index in range(6):
            image, ids = crops[Drawn(0, index)]
            category = int(ids.max())
            bright = image[..., category - 1].int() - image.int().sum(-1) // 3 > 40
            assert ((ids == category) == bright).float().mean() > 0.9

    def test_whole_images_keep_their_shape_or_are_squares(self, data: DataFolder) -> None:
        images = data.images("test")

        whole = WholeImages(images, short_side=20)[0]
        square = WholeImages(images, short_side=20, square=16)[0]

        assert min(whole.image.shape[:2]) == 20
        assert min(whole.size) >= 40
        assert square.image.shape == (16, 16, 3)


class TestBatches:
    def batches(self, steps: tuple[int, int], **share: int) -> list[list[Drawn]]:
        return list(Batches(10, batch=4, steps=steps, seed=7, share=Share(**share)))

    def test_go_on_where_they_were(self) -> None:
        assert self.batches((0, 6))[3:] == self.batches((3, 6))

    def test_hold_each_image_once_an_epoch_at_most(self) -> None:
        for epoch in range(3):
            drawn = [d for batch in self.batches((2 * epoch, 2 * epoch + 2)) for d in batch]
            assert {d.epoch for d in drawn} == {epoch}
            assert len({d.index for d in drawn}) == 8

    def test_processes_share_what_one_would_draw(self) -> None:
        alone = self.batches((0, 4))
        shared = [self.batches((0, 4), rank=rank, ranks=2) for rank in range(2)]

        assert [a + b for a, b in zip(*shared, strict=True)] == alone

    def test_fill_up_with_what_the_epoch_began_with(self) -> None:
        """Ten images make three batches of four; the last one ends with the first two images."""
        batches = list(Batches(10, batch=4, steps=(0, 3), seed=7, share=Share(), fills_up=True))

        drawn = [d.index for batch in batches for d in batch]
        assert sorted(drawn[:10]) == list(range(10))
        assert drawn[10:] == drawn[:2]
        assert batches[:2] == self.batches((0, 2))

    def test_fill_a_batch_with_fewer_images(self) -> None:
        (batch,) = Batches(3, batch=8, steps=(0, 1), seed=0, share=Share(), fills_up=True)

        assert [d.index for d in batch[3:6]] == [d.index for d in batch[:3]]
        assert len(batch) == 8

    def test_refuses_more_than_there_is(self) -> None:
        with pytest.raises(BadData, match="there are 3 images, fewer than a batch of 4"):
            Batches(3, batch=4, steps=(0, 1), seed=0, share=Share())

    @pytest.mark.slow
    def test_workers_bring_the_same_batches(self, data: DataFolder) -> None:
        """Also where OpenCV has had threads before the workers are forked."""
        cv2.setNumThreads(2)
        cv2.GaussianBlur(np.zeros((2000, 2000, 3), np.uint8), (9, 9), 2)
        views = TestViews().views(data)
        batches = Batches(len(views), batch=4, steps=(0, 4), seed=0, share=Share())
        here, there = (list(training_loader(views, batches, workers=workers)) for workers in (0, 2))

        for one, other in zip(here, there, strict=True):
            assert torch.equal(one.large, other.large)
            assert torch.equal(one.points, other.points)
