#pragma once

#include <napi.h>

namespace timbre {

/// Defines `openBeneath(path, roots, closed)` on `exports`: a promise of `{ descriptor }`, or of
/// `{ code, message, why }` where it is refused. Whoever gets a descriptor closes it.
void define_files(Napi::Env env, Napi::Object exports);

}  // namespace timbre
