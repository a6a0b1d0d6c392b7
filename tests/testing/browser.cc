#include "tests/testing/browser.h"

#include <httplib.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "common/base/check.h"

namespace fedgap {
namespace {

using Json = nlohmann::json;

constexpr const char* kDriver = "/usr/bin/chromedriver";
constexpr const char* kChromium = "/usr/bin/chromium";

// One that was free a moment ago: the driver does not tell which it took.
int FreePort() {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  FEDGAP_CHECK(::bind(socket, generic, size) == 0);
  FEDGAP_CHECK(::getsockname(socket, generic, &size) == 0);
  ::close(socket);
  return ntohs(address.sin_port);
}

Json Capabilities(const std::string& profile) {
  const Json options = {{"binary", kChromium},
                        {"args",
                         {"--headless=new", "--no-sandbox", "--disable-gpu",
                          "--disable-dev-shm-usage", "--hide-scrollbars",
                          "--user-data-dir=" + profile}}};
  return {{"capabilities",
           {{"alwaysMatch",
             {{"goog:chromeOptions", options},
              {"goog:loggingPrefs", {{"browser", "ALL"}}}}}}}};
}

}  // namespace

struct Browser::Driver {
  explicit Driver(int port)
      : process({kDriver, "--port=" + std::to_string(port)}),
        http("127.0.0.1", port) {
    EXPECT_TRUE(process.WaitForLine("started successfully"));
    http.set_read_timeout(60);
  }

  Json Call(const std::string& path, const Json& body) {
    const auto answer = http.Post(path, body.dump(), "application/json");
    if (!answer) {
      ADD_FAILURE() << path << ": " << httplib::to_string(answer.error());
      return {};
    }
    const Json json = Json::parse(answer->body);
    EXPECT_EQ(answer->status, 200) << path << ": " << json.dump();
    return json.value("value", Json());
  }
  Json InSession(const std::string& path, const Json& body) {
    return Call("/session/" + session + path, body);
  }

  Process process;
  httplib::Client http;
  std::string session;
};

bool Browser::IsInstalled() {
  return std::filesystem::exists(kDriver) && std::filesystem::exists(kChromium);
}

Browser::Browser() : driver_(std::make_unique<Driver>(FreePort())) {
  const Json session =
      driver_->Call("/session", Capabilities(profile_.path().string()));
  driver_->session = session.value("sessionId", "");
  Resize(1280, 1500);
}

Browser::~Browser() { driver_->http.Delete("/session/" + driver_->session); }

void Browser::Resize(int width, int height) {
  driver_->InSession("/goog/cdp/execute",
                     {{"cmd", "Emulation.setDeviceMetricsOverride"},
                      {"params",
                       {{"width", width},
                        {"height", height},
                        {"deviceScaleFactor", 1},
                        {"mobile", false}}}});
}

void Browser::Open(const std::string& url) {
  driver_->InSession("/url", {{"url", url}});
}

std::string Browser::Run(const std::string& script) {
  const Json value = driver_->InSession(
      "/execute/sync", {{"script", script}, {"args", Json::array()}});
  return value.is_string() ? value.get<std::string>() : value.dump();
}

testing::AssertionResult Browser::WaitForText(const std::string& text) {
  return WaitUntil("return document.body.innerText.includes(" +
                   Json(text).dump() + ")");
}

testing::AssertionResult Browser::WaitUntil(const std::string& script) {
  const auto until = std::chrono::steady_clock::now() + Process::kPatience;
  while (Run(script) != "true") {
    if (std::chrono::steady_clock::now() > until) {
      return testing::AssertionFailure()
             << "not in time: " << script << "; the page:\n"
             << Text();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return testing::AssertionSuccess();
}

std::string Browser::Errors() {
  std::string errors;
  for (const Json& entry :
       driver_->InSession("/se/log", {{"type", "browser"}})) {
    if (entry.value("level", "") == "SEVERE") {
      errors += entry.value("message", "") + "\n";
    }
  }
  return errors;
}

}  // namespace fedgap
