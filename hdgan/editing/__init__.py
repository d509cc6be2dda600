"""Semantic edits of scenes: their classes, objects and styles."""

from hdgan.lazy_exports import lazy_exports

_EXPORTS = {
    "WHOLE_IMAGE": "hdgan.editing.scene",
    "EditableScene": "hdgan.editing.scene",
    "History": "hdgan.editing.history",
    "NothingToEditError": "hdgan.editing.classes",
    "Shape": "hdgan.editing.objects",
    "ShapeLibrary": "hdgan.editing.shape_library",
    "add_object": "hdgan.editing.objects",
    "apply_edits": "hdgan.editing.edit_script",
    "blend_styles": "hdgan.editing.styles",
    "choose_cluster": "hdgan.editing.styles",
    "connected_mask": "hdgan.editing.regions",
    "copy_style": "hdgan.editing.styles",
    "cut_shape": "hdgan.editing.objects",
    "enclosed_mask": "hdgan.editing.regions",
    "encode_styles": "hdgan.editing.styles",
    "list_styles": "hdgan.editing.styles",
    "load_scene": "hdgan.editing.scene_file",
    "make_style_map": "hdgan.editing.styles",
    "mirror_object": "hdgan.editing.objects",
    "move_object": "hdgan.editing.objects",
    "paint_region": "hdgan.editing.classes",
    "polygon_mask": "hdgan.editing.regions",
    "rectangle_mask": "hdgan.editing.regions",
    "remove_object": "hdgan.editing.objects",
    "replace_class": "hdgan.editing.classes",
    "replace_class_of_object": "hdgan.editing.classes",
    "reset_style": "hdgan.editing.styles",
    "save_scene": "hdgan.editing.scene_file",
    "scale_object": "hdgan.editing.objects",
    "set_style": "hdgan.editing.styles",
    "stroke_mask": "hdgan.editing.regions",
    "synthesize_scene": "hdgan.editing.styles",
}
__all__ = [*_EXPORTS]
__getattr__, __dir__ = lazy_exports(__name__, _EXPORTS)
