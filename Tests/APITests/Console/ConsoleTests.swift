import Testing
import TestSupport

@testable import API

@Suite("The console's files")
struct ConsoleTests {
    private let api: TestAPI

    init() throws { api = try TestAPI(answering: "hi") }

    @Test("the page may load from this server alone, and no text can become a script")
    func policy() async throws {
        let page = try await api.get("/")
        #expect(page.status == 200)
        #expect(page.headers["content-type"] == "text/html; charset=utf-8")
        #expect(page.headers["x-content-type-options"] == "nosniff")
        let policy = try #require(page.headers["content-security-policy"])
        let rules = Set(policy.split(separator: ";").map { HTTPText.trimmed(String($0)) })
        for rule in [
            "default-src 'none'", "script-src 'self'", "base-uri 'none'", "form-action 'none'",
            "frame-ancestors 'none'",
        ] {
            #expect(rules.contains(rule))
        }
        #expect(!policy.contains("unsafe") && !policy.contains("http") && !policy.contains("*"))
        #expect(!page.text.contains("<script>") && !page.text.contains("style="))
    }

    @Test("everything the page and its modules name is there, and nothing comes from elsewhere")
    func whole() async throws {
        var wanted = Self.names(in: try await api.get("/").text)
        var seen: Set<String> = []
        #expect(wanted.count > 3)
        while let name = wanted.popFirst() {
            guard seen.insert(name).inserted else { continue }
            let file = try await api.get("/console/\(name)")
            #expect(file.status == 200, "\(name)")
            wanted.formUnion(Self.names(in: file.text))
            for scheme in ["https://", "http://"] where name != "icon.svg" {
                let addresses = file.text.split(separator: scheme).dropFirst()
                #expect(
                    addresses.allSatisfy { $0.hasPrefix("www.w3.org/2000/svg") },
                    "\(name) names another host"
                )
            }
        }
        #expect(Set(ConsoleFiles.all.keys).subtracting([ConsoleFiles.page]) == seen)
    }

    /// Files named by address, or by an import beside them.
    private static func names(in text: String) -> Set<String> {
        let marks = [("\"/console/", "\""), ("\"./", "\"")]
        return Set(
            marks.flatMap { mark, end in
                text.split(separator: mark).dropFirst().map {
                    String($0.prefix { String($0) != end })
                }
            }
        )
    }

    @Test("a browser that has a file is not sent it again, and gets it compressed")
    func caching() async throws {
        let plain = try await api.get("/console/console.css")
        let tag = try #require(plain.headers["etag"])
        let packed = try await api.get(
            "/console/console.css",
            headers: ["Accept-Encoding": "br, gzip"]
        )
        #expect(packed.headers["content-encoding"] == "gzip")
        #expect(packed.body.starts(with: [0x1F, 0x8B]))
        #expect(packed.body.count * 2 < plain.body.count)
        let refused = try await api.get(
            "/console/console.css",
            headers: ["Accept-Encoding": "gzip;q=0"]
        )
        #expect(refused.headers["content-encoding"] == nil)
        for known in [tag, "\"other\", W/\(tag)"] {
            let again = try await api.get("/console/console.css", headers: ["If-None-Match": known])
            #expect(again.status == 304 && again.body.isEmpty)
        }
        #expect(try await api.get("/console/nothing.js").status == 404)
        #expect(try await api.get("/console/..%2FPackage.swift").status == 404)
    }

    @Test("all of it is small on the wire")
    func size() {
        let bytes = ConsoleFiles.all.values.reduce(0) { $0 + $1.gzip.count }
        #expect(bytes < 150_000)
    }
}
