// Nothing of a voice stays in memory that was given back.
#include "support/wiping.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <vector>

#include "scoring/gallery.h"

namespace {

/// While it watches, counts the blocks given back that hold this value.
struct Watch {
  bool on = false;
  float value = 0;
  std::size_t minimum = 0;
  std::size_t found = 0;
} watch;

}  // namespace

// Where these are inlined, GCC takes what malloc gave for a block of another allocator.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

void* operator new(std::size_t size) {
  // The size lies in front, to know how much of a block to look at.
  auto* const block = static_cast<std::size_t*>(std::malloc(size + alignof(std::max_align_t)));
  if (!block) throw std::bad_alloc();
  *block = size;
  return reinterpret_cast<char*>(block) + alignof(std::max_align_t);
}

void operator delete(void* memory) noexcept {
  if (!memory) return;
  auto* const block = reinterpret_cast<std::size_t*>(static_cast<char*>(memory) - alignof(std::max_align_t));
  if (watch.on && *block >= watch.minimum) {
    const auto* const values = static_cast<const float*>(memory);
    const std::size_t count = *block / sizeof(float);
    if (std::find(values, values + count, watch.value) != values + count) ++watch.found;
  }
  std::free(block);
}

void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }

namespace timbre {
namespace {

/// Runs this and counts the blocks of a vector's size or more that were given back with the value in them.
template <typename Work>
std::size_t left_behind(float value, std::size_t dim, const Work& work) {
  watch = {true, value, dim * sizeof(float), 0};
  work();
  watch.on = false;
  return watch.found;
}

TEST(Wiping, TheTestSeesWhatAnOrdinaryVectorLeavesBehind) {
  EXPECT_GT(left_behind(0.125F, 4, [] { const std::vector<float> values(4, 0.125F); }), 0U);
  EXPECT_EQ(left_behind(0.125F, 4, [] { const VoiceVector values(4, 0.125F); }), 0U);
}

TEST(Wiping, AGrowingVectorLeavesNothingBehindEither) {
  EXPECT_EQ(left_behind(0.375F, 1,
                        [] {
                          VoiceVector values;
                          for (int i = 0; i < 100; ++i) values.push_back(0.375F);
                        }),
            0U);
}

/// Fills a gallery with one voice, searches it and empties it again.
void use(Gallery& gallery, const std::vector<float>& voice) {
  for (Gallery::Key key = 0; key < 600; ++key) static_cast<void>(gallery.put(key, voice));
  static_cast<void>(gallery.top(voice, 10));
  static_cast<void>(gallery.get(3));
  for (Gallery::Key key = 0; key < 600; ++key) gallery.remove(key);
}

TEST(Wiping, NeitherAGalleryNorASearchLeavesAVectorBehind) {
  // Of length one already, so that its values are the same wherever it is copied: four times a half.
  const std::vector<float> voice(4, 0.5F);
  Gallery gallery(4);
  EXPECT_EQ(left_behind(0.5F, 4, [&] { use(gallery, voice); }), 0U);
}

TEST(Wiping, NorDoesAGalleryOfRoundedVectors) {
  // Whose bytes are all -127, and those of a query all -32767: four and two of them as one number.
  const std::vector<float> voice(4, -0.5F);
  Gallery gallery(4, Gallery::Rows::kBytes);
  for (const std::uint32_t bits : {0x81818181U, 0x80018001U}) {
    EXPECT_EQ(left_behind(std::bit_cast<float>(bits), 2, [&] { use(gallery, voice); }), 0U);
  }
}

}  // namespace
}  // namespace timbre
