#pragma once

#include <c10/core/InferenceMode.h>

namespace timbre {

/// Held around every call into LibTorch: settings of the process (made once) and of this thread, and inference mode.
class TorchScope {
 public:
  TorchScope();

 private:
  c10::InferenceMode inference_mode_;
};

}  // namespace timbre
