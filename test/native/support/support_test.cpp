#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "support/error.h"
#include "support/heap.h"
#include "support/interrupt.h"
#include "support/matrix.h"
#include "support/result.h"
#include "support/text.h"

namespace timbre {
namespace {

TEST(ErrorCode, NamesAreThoseOfTheTableAndDiffer) {
  EXPECT_EQ(name(ErrorCode::INVALID_ARGUMENT), "INVALID_ARGUMENT");
  EXPECT_EQ(name(ErrorCode::AUDIO_CORRUPT), "AUDIO_CORRUPT");
  EXPECT_EQ(name(ErrorCode::DEADLINE_EXCEEDED), "DEADLINE_EXCEEDED");
  std::set<std::string_view> names;
  std::size_t count = 0;
#define TIMBRE_ERROR_CODE(code)        \
  names.insert(name(ErrorCode::code)); \
  ++count;
#include "support/error_codes.inc"
#undef TIMBRE_ERROR_CODE
  EXPECT_EQ(names.size(), count);
}

TEST(Result, HoldsAValueOrAnError) {
  Result<std::string> good = std::string("value");
  ASSERT_TRUE(good);
  EXPECT_EQ(good.value(), "value");
  const Result<std::string> bad = Error{ErrorCode::INTERNAL, "why"};
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, ErrorCode::INTERNAL);
  EXPECT_EQ(bad.error().message, "why");
}

TEST(Result, MovesWhatCannotBeCopied) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
  const std::unique_ptr<int> value = std::move(result).value();
  EXPECT_EQ(*value, 7);
}

TEST(Result, OfNothingIsSuccess) {
  EXPECT_TRUE(ok());
  const Status failed = Error{ErrorCode::ABORTED, ""};
  EXPECT_FALSE(failed);
}

TEST(Matrix, IsRowMajorAndZero) {
  Matrix matrix(2, 3);
  EXPECT_THAT(matrix.values, testing::Each(0.0F));
  matrix.row(1)[2] = 5;
  EXPECT_EQ(matrix.values[5], 5);
  EXPECT_EQ(std::as_const(matrix).row(1)[2], 5);
  EXPECT_EQ(matrix.row(0).size(), 3U);
}

TEST(Interrupt, SaysNothingUntilCancelledFromAnyThread) {
  Interrupt interrupt;
  EXPECT_FALSE(interrupt.check());
  EXPECT_FALSE(interrupt.deadline());
  std::thread([&] { interrupt.cancel(); }).join();
  ASSERT_TRUE(interrupt.check());
  EXPECT_EQ(interrupt.check()->code, ErrorCode::ABORTED);
}

TEST(Interrupt, KnowsItsDeadline) {
  const Interrupt late(Clock::now() - std::chrono::nanoseconds(1));
  ASSERT_TRUE(late.check());
  EXPECT_EQ(late.check()->code, ErrorCode::DEADLINE_EXCEEDED);
  const Interrupt early(Clock::now() + std::chrono::hours(1));
  EXPECT_FALSE(early.check());
  const Interrupt none(std::nullopt);
  EXPECT_FALSE(none.check());
}

TEST(Interrupt, PrefersTheCallersWord) {
  Interrupt interrupt(Clock::now() - std::chrono::seconds(1));
  interrupt.cancel();
  EXPECT_EQ(interrupt.check()->code, ErrorCode::ABORTED);
}

TEST(Text, WritesNumbersAsPeopleDo) {
  EXPECT_EQ(text(16000), "16000");
  EXPECT_EQ(text(0.97), "0.97");
  EXPECT_EQ(text(1e-10), "1e-10");
  EXPECT_EQ(text(-0.5), "-0.5");
  EXPECT_EQ(seconds_text(3.0104), "3.01 s");
  EXPECT_EQ(seconds_text(0), "0 s");
}

// A sanitizer's allocator is none of glibc's.
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)
TEST(Heap, ALargeBlockIsOfTheSystemAgainAsSoonAsItIsFree) {
  return_memory_early();
  const auto mapped = [] { return mallinfo2().hblks; };
  const std::size_t before = mapped();
  // The first frees would have taught glibc to keep blocks of that size.
  for (int i = 0; i < 3; ++i) {
    const std::vector<char> block(std::size_t{8} << 20U);
    EXPECT_EQ(mapped(), before + 1);
  }
  EXPECT_EQ(mapped(), before);
}
#endif

}  // namespace
}  // namespace timbre
