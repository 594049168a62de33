"""Node classes for tests of a real ComfyUI: one that takes its time, one that fails, one that chooses, one that says a text."""
import time

import comfy.model_management
import comfy.utils

STEPS_A_SECOND = 20


class TestSlow:
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"image": ("IMAGE",), "seconds": ("FLOAT", {"default": 0.0, "min": 0.0, "max": 60.0})}}

    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "run"
    CATEGORY = "test"

    def run(self, image, seconds):
        steps = int(seconds * STEPS_A_SECOND)
        bar = comfy.utils.ProgressBar(max(steps, 1))
        for _ in range(steps):
            comfy.model_management.throw_exception_if_processing_interrupted()
            time.sleep(1 / STEPS_A_SECOND)
            bar.update(1)
        return (image,)

    @classmethod
    def IS_CHANGED(cls, image, seconds):
        return time.time()


class TestFail:
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"image": ("IMAGE",), "message": ("STRING", {"default": ""})}}

    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "run"
    CATEGORY = "test"

    def run(self, image, message):
        raise RuntimeError(message)


class TestChoice:
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"image": ("IMAGE",), "choice": (["this", "that"],)}}

    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "run"
    CATEGORY = "test"

    def run(self, image, choice):
        return (image,)


class TestText:
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"text": ("STRING", {"default": ""})}}

    RETURN_TYPES = ("STRING",)
    FUNCTION = "run"
    CATEGORY = "test"

    def run(self, text):
        return (text.upper(),)


NODE_CLASS_MAPPINGS = {
    "TestSlow": TestSlow,
    "TestFail": TestFail,
    "TestChoice": TestChoice,
    "TestText": TestText,
}
