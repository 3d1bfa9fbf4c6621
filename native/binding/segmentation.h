#pragma once

#include <napi.h>

#include "bundle/segmentation_model.h"

namespace timbre {

/// For JS: `loadSegmentation({ path, skeletons, allowCode })`, a promise of an opaque handle for Encoder::converse().
void define_segmentation(Napi::Env env, Napi::Object exports);

/// What a handle stands for. Throws a TypeError for anything else.
const bundle::SegmentationModel& segmentation_of(Napi::Value handle);

}  // namespace timbre
