#include "network/torch_settings.h"

#include <ATen/Parallel.h>
#include <c10/util/Exception.h>

namespace timbre::network {

namespace {

void set_up_process() { at::set_num_threads(1); }

void set_up_thread() { at::init_num_threads(); }

}  // namespace

TorchScope::TorchScope() {
  static const bool process = [] {
    set_up_process();
    return true;
  }();
  thread_local const bool thread = [] {
    set_up_thread();
    return true;
  }();
  static_cast<void>(process && thread);
}

}  // namespace timbre::network
