"""The ten categories of the demo data set: a name, a silhouette and a surface each."""

from dataclasses import dataclass

from client.demo import outlines, textures


@dataclass(frozen=True, slots=True)
class Category:
    """Something to be segmented; `tag` names its folder, `id` is its value in the masks."""

    id: int
    name: str
    outline: outlines.Outline
    texture: textures.Texture

    @property
    def tag(self) -> str:
        """Formed like a WordNet tag, far above the largest number that WordNet gives a noun."""
        return f"n{90_000_000 + self.id:08d}"


CATEGORIES = (
    Category(1, "striped fish", outlines.fish, textures.stripes),
    Category(2, "spotted disc", outlines.disc, textures.dots),
    Category(3, "checkered star", outlines.star, textures.checks),
    Category(4, "brick block", outlines.block, textures.bricks),
    Category(5, "veined leaf", outlines.leaf, textures.veins),
    Category(6, "furry blob", outlines.blob, textures.fur),
    Category(7, "scaly ring", outlines.ring, textures.scales),
    Category(8, "woven cross", outlines.cross, textures.weave),
    Category(9, "spiral shell", outlines.shell, textures.spiral),
    Category(10, "pebbled crescent", outlines.crescent, textures.pebbles),
)
