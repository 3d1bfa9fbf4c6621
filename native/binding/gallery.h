#pragma once

#include <napi.h>

namespace timbre {

/// Exports `Gallery`: NativeGallery of src/addon/binding.ts.
void define_gallery(Napi::Env env, Napi::Object exports);

}  // namespace timbre
