#include "simd/passes.h"

#include <algorithm>
#include <cmath>
#include <optional>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/passes.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include "simd/loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace timbre::simd::HWY_NAMESPACE {

template <typename T>
HWY_INLINE void relu_norm_of(ConstRows from, const ReluNorm& layer, std::size_t first, RowsOf<T> to) {
  const float* bias = layer.bias.data() + first;
  const float* scale = layer.scale.data() + first;
  const float* shift = layer.shift.data() + first;
  for (std::size_t r = 0; r < from.count; ++r) {
    const float* x = from.row(r);
    T* y = to.row(r);
    for_each_vector(from.width, [=](auto d, std::size_t c) HWY_ATTR {
      const auto sum = hn::Add(hn::LoadU(d, x + c), hn::LoadU(d, bias + c));
      // Not Max(), which may take the zero where there is no number.
      const auto positive = hn::IfThenZeroElse(hn::Lt(sum, hn::Zero(d)), sum);
      store(hn::MulAdd(positive, hn::LoadU(d, scale + c), hn::LoadU(d, shift + c)), d, y + c);
    });
  }
}

void relu_norm(ConstRows from, const ReluNorm& layer, Rows to) { relu_norm_of(from, layer, 0, to); }

void relu_norm_bf16(ConstRows from, const ReluNorm& layer, std::size_t first, Bf16Rows to) {
  relu_norm_of(from, layer, first, to);
}

/// Zeros in what a row has beyond `width` channels.
HWY_INLINE void fill_up(Bf16Rows rows, std::size_t width) {
  if (width >= rows.width) return;
  for (std::size_t r = 0; r < rows.count; ++r) {
    std::fill(rows.row(r) + width, rows.row(r) + rows.width, Bf16{0});
  }
}

void copy_bf16(ConstRows from, Bf16Rows to) {
  for (std::size_t r = 0; r < from.count; ++r) {
    const float* x = from.row(r);
    Bf16* y = to.row(r);
    for_each_vector(from.width, [=](auto d, std::size_t c) HWY_ATTR { store(hn::LoadU(d, x + c), d, y + c); });
  }
}

void add_bias(ConstRows from, const float* bias, Rows to) {
  for (std::size_t r = 0; r < from.count; ++r) {
    const float* x = from.row(r);
    float* y = to.row(r);
    for_each_vector(from.width, [=](auto d, std::size_t c) HWY_ATTR {
      hn::StoreU(hn::Add(hn::LoadU(d, x + c), hn::LoadU(d, bias + c)), d, y + c);
    });
  }
}

template <typename T>
HWY_INLINE void add_scaled_of(RowsOf<const T> x, RowsOf<const T> y, const float* gain, RowsOf<T> to) {
  for (std::size_t r = 0; r < x.count; ++r) {
    const T* a = x.row(r);
    const T* b = y.row(r);
    T* out = to.row(r);
    for_each_vector(x.width, [=](auto d, std::size_t c) HWY_ATTR {
      store(hn::MulAdd(load(d, b + c), hn::LoadU(d, gain + c), load(d, a + c)), d, out + c);
    });
  }
}

void add_scaled(ConstRows x, ConstRows y, const float* gain, Rows to) { add_scaled_of(x, y, gain, to); }

void add_scaled_bf16(ConstBf16Rows x, ConstBf16Rows y, const float* gain, Bf16Rows to) {
  add_scaled_of(x, y, gain, to);
}

void tanh(Rows x) {
  for (std::size_t r = 0; r < x.count; ++r) {
    float* values = x.row(r);
    for_each_vector(x.width, [=](auto d, std::size_t c)
                                 HWY_ATTR { hn::StoreU(hn::Tanh(d, hn::LoadU(d, values + c)), d, values + c); });
  }
}

/// The frame of `count` that stands at `at`, mirrored at the ends; nothing where zeros belong.
inline std::optional<std::size_t> frame_at(std::size_t count, std::ptrdiff_t at, bool reflect) {
  const auto last = static_cast<std::ptrdiff_t>(count) - 1;
  if (at < 0 || at > last) {
    if (!reflect) {
      return std::nullopt;
    }
    at = std::abs(at);
    at = at > last ? std::max<std::ptrdiff_t>(2 * last - at, 0) : at;
  }
  return static_cast<std::size_t>(at);
}

/// The frame that a tap reads, by its number in the utterance.
inline std::ptrdiff_t read_at(const Window& window, std::size_t output, std::size_t tap) {
  return static_cast<std::ptrdiff_t>(output * window.stride + tap * window.dilation) -
         static_cast<std::ptrdiff_t>(window.reach());
}

/// One frame of x + y, or of x alone; zeros where none is.
template <typename From, typename To>
HWY_INLINE void take_frame(RowsOf<const From> x, RowsOf<const From> y, std::optional<std::size_t> row, To* to) {
  if (!row) {
    std::fill_n(to, x.width, To{});
    return;
  }
  const From* const a = x.row(*row);
  if (y.data == nullptr) {
    for_each_vector(x.width, [=](auto d, std::size_t c) HWY_ATTR { store(load(d, a + c), d, to + c); });
    return;
  }
  const From* const b = y.row(*row);
  for_each_vector(x.width,
                  [=](auto d, std::size_t c) HWY_ATTR { store(hn::Add(load(d, a + c), load(d, b + c)), d, to + c); });
}

/// The row of what is at hand.
inline std::optional<std::size_t> row_at(const Extent& extent, std::ptrdiff_t at, bool reflect) {
  const std::optional<std::size_t> frame = frame_at(extent.frames, at, reflect);
  return frame ? std::optional(*frame - extent.first) : std::nullopt;
}

void im2col(ConstRows x, ConstRows y, const Window& window, const Extent& extent, std::size_t first, Rows to) {
  for (std::size_t r = 0; r < to.count; ++r) {
    for (std::size_t tap = 0; tap < window.taps; ++tap) {
      const std::ptrdiff_t at = read_at(window, first + r, tap);
      take_frame(x, y, row_at(extent, at, window.reflect), to.row(r) + tap * x.width);
    }
  }
}

template <typename T>
HWY_INLINE void line_up_of(RowsOf<const T> x, RowsOf<const T> y, const Window& window, const Extent& extent,
                           std::size_t first, Bf16Rows to) {
  const std::ptrdiff_t start = read_at(window, first, 0);
  for (std::size_t r = 0; r < to.count; ++r) {
    take_frame(x, y, row_at(extent, start + static_cast<std::ptrdiff_t>(r), window.reflect), to.row(r));
  }
  fill_up(to, x.width);
}

void line_up(ConstRows x, ConstRows y, const Window& window, const Extent& extent, std::size_t first, Bf16Rows to) {
  line_up_of(x, y, window, extent, first, to);
}

void line_up_bf16(ConstBf16Rows x, ConstBf16Rows y, const Window& window, const Extent& extent, std::size_t first,
                  Bf16Rows to) {
  line_up_of(x, y, window, extent, first, to);
}

}  // namespace timbre::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace timbre::simd {

HWY_EXPORT(relu_norm);
HWY_EXPORT(relu_norm_bf16);
HWY_EXPORT(copy_bf16);
HWY_EXPORT(add_bias);
HWY_EXPORT(add_scaled);
HWY_EXPORT(add_scaled_bf16);
HWY_EXPORT(tanh);
HWY_EXPORT(im2col);
HWY_EXPORT(line_up);
HWY_EXPORT(line_up_bf16);

void relu_norm(ConstRows from, const ReluNorm& layer, Rows to) { HWY_DYNAMIC_DISPATCH(relu_norm)(from, layer, to); }

void relu_norm(ConstRows from, const ReluNorm& layer, std::size_t first, Bf16Rows to) {
  HWY_DYNAMIC_DISPATCH(relu_norm_bf16)(from, layer, first, to);
}

namespace {

template <typename T>
void copy_rows(RowsOf<const T> from, RowsOf<T> to) {
  for (std::size_t r = 0; r < from.count; ++r) {
    std::copy_n(from.row(r), from.width, to.row(r));
  }
}

}  // namespace

void copy(ConstRows from, Rows to) { copy_rows(from, to); }

void copy(ConstBf16Rows from, Bf16Rows to) { copy_rows(from, to); }

void copy(ConstRows from, Bf16Rows to) { HWY_DYNAMIC_DISPATCH(copy_bf16)(from, to); }

void add_bias(ConstRows from, std::span<const float> bias, Rows to) {
  HWY_DYNAMIC_DISPATCH(add_bias)(from, bias.data(), to);
}

void add_scaled(ConstRows x, ConstRows y, std::span<const float> gain, Rows to) {
  HWY_DYNAMIC_DISPATCH(add_scaled)(x, y, gain.data(), to);
}

void add_scaled(ConstBf16Rows x, ConstBf16Rows y, std::span<const float> gain, Bf16Rows to) {
  HWY_DYNAMIC_DISPATCH(add_scaled_bf16)(x, y, gain.data(), to);
}

void tanh(Rows x) { HWY_DYNAMIC_DISPATCH(tanh)(x); }

void im2col(ConstRows x, ConstRows y, const Window& window, const Extent& extent, std::size_t first, Rows to) {
  HWY_DYNAMIC_DISPATCH(im2col)(x, y, window, extent, first, to);
}

void line_up(ConstRows x, ConstRows y, const Window& window, const Extent& extent, std::size_t first, Bf16Rows to) {
  HWY_DYNAMIC_DISPATCH(line_up)(x, y, window, extent, first, to);
}

void line_up(ConstBf16Rows x, ConstBf16Rows y, const Window& window, const Extent& extent, std::size_t first,
             Bf16Rows to) {
  HWY_DYNAMIC_DISPATCH(line_up_bf16)(x, y, window, extent, first, to);
}

}  // namespace timbre::simd
#endif
