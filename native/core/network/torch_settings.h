#pragma once

#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>

namespace timbre::network {

/// Held around every call into LibTorch: settings of this thread, inference mode, and silence, for a library does not
/// print. Nothing of it reaches another thread.
class TorchScope {
 public:
  TorchScope();

 private:
  class Silent final : public c10::WarningHandler {
   public:
    void process(const c10::Warning&) override {}
  };

  c10::InferenceMode inference_mode_;
  Silent silent_;
  c10::WarningUtils::WarningHandlerGuard no_warnings_{&silent_};
};

}  // namespace timbre::network
