#include "enrolment/enrolment_message.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace fedgap {

StatusOr<EnrolmentMessage> ParseEnrolmentMessage(std::string_view text) {
  using Json = nlohmann::json;
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("token") ||
      !json["token"].is_string() || !json.contains("request") ||
      !json["request"].is_string()) {
    return absl::InvalidArgumentError(
        "an enrolment is an object with the texts `token` and `request`");
  }
  FEDGAP_ASSIGN_OR_RETURN(
      CertificateRequest request,
      CertificateRequest::FromPem(json["request"].get<std::string>()));
  return EnrolmentMessage{.secret = json["token"].get<std::string>(),
                          .request = std::move(request)};
}

}  // namespace fedgap
