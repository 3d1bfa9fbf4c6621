#pragma once

namespace timbre::simd {

/// Units of the processor that this process may use, beside those that Highway chooses from.
struct Processor {
  bool avx2 = false;
  bool avx512_bf16 = false;
  bool avx512_vnni = false;
  bool amx_bf16 = false;
  bool amx_int8 = false;
};

/// Found out once; a process asks the system for AMX's registers then.
const Processor& processor();

/// Holds AMX's tiles, eight of 16 rows of 64 bytes, for the thread that it lives on. Only where the processor has AMX.
class Tiles {
 public:
  explicit Tiles(bool wanted);
  Tiles(const Tiles&) = delete;
  Tiles& operator=(const Tiles&) = delete;
  ~Tiles();

 private:
  bool held_;
};

}  // namespace timbre::simd
