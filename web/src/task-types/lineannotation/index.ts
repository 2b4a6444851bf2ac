import { legacyConfig } from "../_image/config";
import { imageModule } from "../_image/module";

export default imageModule((params) => legacyConfig(params, "line"));
