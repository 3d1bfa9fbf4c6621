#pragma once

#include <torch/csrc/jit/api/module.h>

#include "bundle/segmentation_model.h"

namespace timbre::bundle {

/// The network of a module that lies on the CPU, compared with the module's own code. Errors: as of
/// load_segmentation_model(). Throws what LibTorch throws.
Result<SegmentationModel> make_segmentation_model(const Manifest& manifest, torch::jit::Module module);

}  // namespace timbre::bundle
