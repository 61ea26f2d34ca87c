"""Which view shows which part: the drawing, the picture's proportions and the levels at which it is taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from radnet_spark.demo import contrast, limbs, slices_head, slices_joints, slices_torso, torso
from radnet_spark.demo.phantoms import Canvas
from radnet_spark.demo.tissues import Case


@dataclass(frozen=True, slots=True)
class View:
    """One way to take a picture.

    Attributes:
        name: AXIAL, SAGITTAL, CORONAL for slices; AP, PA, LL and the like for projections.
        draw: Draws it.
        aspect: Rows per column.
        levels: Lowest and highest `Case.level` of this view.
        share: Relative frequency among the views of the part.
    """

    name: str
    draw: Callable[[Canvas, Case], None]
    aspect: float = 1.0
    levels: tuple[float, float] = (0.0, 1.0)
    share: float = 1.0


def _two_sides(draw: Callable[[Canvas, Case], None], aspect: float) -> tuple[View, ...]:
    return View("AP", draw, aspect, (0.0, 0.44), 1.2), View("LL", draw, aspect, (0.74, 1.0), 0.8)


_SPINE = View("SAGITTAL", slices_joints.spine_sagittal), View("AXIAL", slices_joints.spine_axial, share=0.5)
_AXIAL_FIRST = View("AXIAL", slices_joints.spine_axial), View("SAGITTAL", slices_joints.spine_sagittal, share=0.6)
_KNEE = (
    View("CORONAL", slices_joints.knee_slice, 1.0, (0.0, 0.49)),
    View("SAGITTAL", slices_joints.knee_slice, 1.0, (0.5, 1.0)),
)
_HEAD = View("AXIAL", slices_head.head_axial, 1.0, (0.05, 0.95)), View("SAGITTAL", slices_head.head_sagittal, share=0.4)

VIEWS: dict[tuple[str, str], tuple[View, ...]] = {
    ("CT", "HEAD"): _HEAD[:1],
    ("CT", "CHEST"): (View("AXIAL", slices_torso.chest_axial),),
    ("CT", "ABDOMEN"): (View("AXIAL", slices_torso.abdomen_axial),),
    ("CT", "URINARYTRACT"): (View("AXIAL", slices_torso.abdomen_axial, 1.0, (0.3, 1.0)),),
    ("CT", "PELVIS"): (View("AXIAL", slices_torso.pelvis_axial),),
    ("CT", "LSPINE"): _AXIAL_FIRST,
    ("CT", "CSPINE"): _AXIAL_FIRST,
    ("MR", "HEAD"): _HEAD,
    ("MR", "LSPINE"): _SPINE,
    ("MR", "CSPINE"): _SPINE,
    ("MR", "KNEE"): _KNEE,
    ("MR", "SHOULDER"): (View("CORONAL", slices_joints.shoulder_slice),),
    ("MR", "ABDOMEN"): (View("AXIAL", slices_torso.abdomen_axial),),
    ("MR", "PELVIS"): (View("AXIAL", slices_torso.pelvis_axial),),
    ("CR", "CHEST"): (View("PA", torso.chest, 1.1, (0.0, 0.7), 1.5), View("LL", torso.chest, 1.2, (0.73, 1.0), 0.5)),
    ("CR", "HAND"): (View("PA", limbs.hand, 1.25),),
    ("CR", "FINGER"): _two_sides(limbs.finger, 1.5),
    ("CR", "WRIST"): _two_sides(limbs.wrist, 1.3),
    ("CR", "ELBOW"): _two_sides(limbs.elbow, 1.15),
    ("CR", "SHOULDER"): (View("AP", limbs.shoulder, 0.85),),
    ("CR", "HIP"): (View("AP", torso.pelvis, 1.1, (0.0, 0.59), 0.7), View("AP", torso.pelvis, 0.82, (0.6, 1.0), 0.3)),
    ("CR", "PELVIS"): (View("AP", torso.pelvis, 0.82, (0.6, 1.0)),),
    ("CR", "KNEE"): _two_sides(limbs.knee, 1.25),
    ("CR", "LEG"): (View("AP", limbs.leg, 2.0),),
    ("CR", "ANKLE"): _two_sides(limbs.ankle, 1.2),
    ("CR", "FOOT"): (View("DP", limbs.foot, 1.3, (0.0, 0.59), 0.7), View("LL", limbs.foot, 0.9, (0.74, 1.0), 0.3)),
    ("CR", "SKULL"): _two_sides(torso.skull, 1.1),
    ("CR", "LSPINE"): _two_sides(torso.spine, 1.6),
    ("CR", "CSPINE"): _two_sides(torso.spine, 1.3),
    ("XA", "HEAD"): (
        View("LL", contrast.cerebral_vessels, 1.0, (0.5, 1.0)),
        View("PA", contrast.cerebral_vessels, 1.0, (0.0, 0.49)),
    ),
    ("XA", "CAROTID"): (View("LL", contrast.carotid_vessels),),
    ("XA", "CHEST"): (
        View("LAO", contrast.coronary_vessels, 1.0, (0.0, 0.59)),
        View("RAO", contrast.coronary_vessels, 1.0, (0.6, 1.0)),
    ),
    ("XA", "URINARYTRACT"): (View("PA", contrast.organ_vessels),),
    ("XA", "LEG"): (View("PA", contrast.leg_vessels, 1.25),),
    ("RF", "GITRACT"): (
        View("PA", contrast.stomach),
        View("PA", contrast.colon, share=0.8),
        View("PA", contrast.gullet, 1.3, share=0.7),
        View("PA", contrast.bile_ducts, share=0.7),
    ),
    ("RF", "ABDOMEN"): (View("PA", torso.abdomen, 1.1),),
    ("RF", "URINARYTRACT"): (View("PA", contrast.urinary_tract, 1.1),),
    ("RF", "HIP"): (View("PA", contrast.pain_injection, 1.0, (0.0, 0.5)),),
    ("RF", "LSPINE"): (
        View("PA", contrast.pain_injection, 1.0, (0.0, 0.44)),
        View("LL", contrast.pain_injection, 1.0, (0.5, 1.0)),
    ),
}  # fmt: skip
