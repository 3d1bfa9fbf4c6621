// The tests of this room, on the instructions that `--target` names: one of Highway's names ("AVX2"), or "fallback",
// those that every processor of this kind has. Without it they run on the best that this processor has.
#include <gtest/gtest.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace {

/// Of a processor without the instructions, skips every test.
class OnTarget : public testing::Environment {
 public:
  explicit OnTarget(std::string name) : name_(std::move(name)) {}

  void SetUp() override {
    const auto targets = hwy::SupportedAndGeneratedTargets();
    const auto found = std::find_if(targets.begin(), targets.end(), [this](std::int64_t target) {
      return name_ == hwy::TargetName(target) || (name_ == "fallback" && target == HWY_STATIC_TARGET);
    });
    if (found == targets.end()) {
      GTEST_SKIP() << "neither compiled nor on this processor: " << name_;
    }
    hwy::SetSupportedTargetsForTest(*found);
    hwy::GetChosenTarget().DeInit();
  }

 private:
  const std::string name_;
};

}  // namespace

int main(int count, char** words) {
  constexpr std::string_view kTarget = "--target=";
  testing::InitGoogleTest(&count, words);
  for (int i = 1; i < count; ++i) {
    const std::string_view word = words[i];
    if (!word.starts_with(kTarget)) {
      std::fprintf(stderr, "test_simd: unknown option '%s'\n", words[i]);
      return 2;
    }
    testing::AddGlobalTestEnvironment(new OnTarget(std::string(word.substr(kTarget.size()))));
  }
  return RUN_ALL_TESTS();
}
