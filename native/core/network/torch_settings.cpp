#include "network/torch_settings.h"

#include <ATen/Parallel.h>

/// Of this thread only. LibTorch brings MKL along where it was built with it, and OpenMP; null elsewhere.
extern "C" {
[[gnu::weak]] int MKL_Set_Num_Threads_Local(int count);
[[gnu::weak]] void omp_set_num_threads(int count);
}

namespace timbre::network {

namespace {

/// One thread for whatever this thread calls in LibTorch: workers are the engine's, and what the host's own threads do
/// in LibTorch, MKL or OpenMP stays as it was. (at::set_num_threads() is for the whole process.)
void set_up_thread() {
  if (MKL_Set_Num_Threads_Local) {
    MKL_Set_Num_Threads_Local(1);
  }
  // LibTorch sets a thread up when it first asks, and would undo what follows if that came later.
  static_cast<void>(at::get_num_threads());
  if (omp_set_num_threads) {
    omp_set_num_threads(1);
  }
}

}  // namespace

TorchScope::TorchScope() {
  thread_local const bool thread = [] {
    set_up_thread();
    return true;
  }();
  static_cast<void>(thread);
}

}  // namespace timbre::network
