// EXPECT_THAT(status, IsOk()); EXPECT_THAT(status, HasCode(kNotFound));
// EXPECT_THAT(status, Fails(kNotFound, HasSubstr("model"))).
#ifndef FEDGAP_TESTS_TESTING_STATUS_MATCHERS_H_
#define FEDGAP_TESTS_TESTING_STATUS_MATCHERS_H_

#include <gmock/gmock.h>

#include <string>

#include "common/base/status.h"

namespace fedgap {

// Short names for the codes that tests name most.
inline constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
inline constexpr auto kPrecondition = absl::StatusCode::kFailedPrecondition;
inline constexpr auto kNotFound = absl::StatusCode::kNotFound;
inline constexpr auto kExhausted = absl::StatusCode::kResourceExhausted;
inline constexpr auto kUnavailable = absl::StatusCode::kUnavailable;

inline const Status& StatusOf(const Status& status) { return status; }
template <typename T>
const Status& StatusOf(const StatusOr<T>& value) {
  return value.status();
}

MATCHER(IsOk, negation ? "is an error" : "is OK") {
  const Status& status = StatusOf(arg);
  *result_listener << status.ToString();
  return status.ok();
}

MATCHER_P2(Fails, code, message_matcher,
           "fails with the code and a message that " +
               ::testing::DescribeMatcher<std::string>(message_matcher)) {
  const Status& status = StatusOf(arg);
  *result_listener << status.ToString();
  return status.code() == code &&
         ::testing::ExplainMatchResult(message_matcher, MessageOf(status),
                                       result_listener);
}

MATCHER_P(HasCode, code, "fails with the code") {
  const Status& status = StatusOf(arg);
  *result_listener << status.ToString();
  return status.code() == code;
}

}  // namespace fedgap

#define FEDGAP_TEST_CONCAT_(a, b) a##b
#define FEDGAP_TEST_NAME_(a, b) FEDGAP_TEST_CONCAT_(a, b)
#define ASSERT_OK(expression) ASSERT_THAT(expression, ::fedgap::IsOk())
#define EXPECT_OK(expression) EXPECT_THAT(expression, ::fedgap::IsOk())
#define ASSERT_OK_AND_ASSIGN(target, expression)                             \
  ASSERT_OK_AND_ASSIGN_(FEDGAP_TEST_NAME_(fedgap_result_, __LINE__), target, \
                        expression)
#define ASSERT_OK_AND_ASSIGN_(name, target, expression) \
  auto name = (expression);                             \
  ASSERT_THAT(name, ::fedgap::IsOk());                  \
  target = std::move(name).value()

#endif  // FEDGAP_TESTS_TESTING_STATUS_MATCHERS_H_
