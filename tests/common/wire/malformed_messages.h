// Tables of messages that must be refused: each row breaks one thing in a
// message that is otherwise fine.
#ifndef FEDGAP_TESTS_COMMON_WIRE_MALFORMED_MESSAGES_H_
#define FEDGAP_TESTS_COMMON_WIRE_MALFORMED_MESSAGES_H_

#include <gmock/gmock.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/testing/status_matchers.h"

namespace fedgap {

template <typename Message>
struct Malformed {
  std::string what;
  std::function<void(Message&)> damage;
  std::string complaint;  // a part of the error's message
  absl::StatusCode code = absl::StatusCode::kInvalidArgument;
};

template <typename Message, typename Parse>
void ExpectRefused(const Message& good,
                   const std::vector<Malformed<Message>>& rows, Parse parse) {
  EXPECT_THAT(parse(good), IsOk());
  for (const Malformed<Message>& row : rows) {
    SCOPED_TRACE(row.what);
    Message message = good;
    row.damage(message);
    EXPECT_THAT(parse(message),
                Fails(row.code, testing::HasSubstr(row.complaint)));
  }
}

}  // namespace fedgap

#endif  // FEDGAP_TESTS_COMMON_WIRE_MALFORMED_MESSAGES_H_
