import { geometryOf, imageConfig, MODERN, modernConfig } from "../_image/config";
import { isObject } from "../_image/labels";
import { imageModule } from "../_image/module";

/** Lanes run from the bottom of the image to the top. */
const wire = { ...MODERN, upward: true };

export default imageModule((params) =>
  isObject(params.geometries)
    ? modernConfig(params, wire)
    : imageConfig(params, [geometryOf("line", params)], { wire }),
);
