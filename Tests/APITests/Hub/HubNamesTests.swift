import API
import Foundation
import Testing

/// Names of models and what the environment says about the hub.
@Suite("Names on the hub")
struct HubNamesTests {
    @Test("a reference is ORG/NAME, with or without a revision")
    func references() throws {
        let reference = try HubReference("meta-llama/Llama-3.2-1B@refs/pr/3")
        #expect(reference.repository == "meta-llama/Llama-3.2-1B")
        #expect(reference.revision == "refs/pr/3")
        #expect(reference.name == "Llama-3.2-1B")
        #expect(try HubReference("gpt2").revision == "main")
    }

    @Test(
        "nothing else is a reference",
        arguments: [
            "", "a/b/c", "../x", "a/..", "a/b@", "a//b", "/a", "a/", "a b/c", "a/b@../..", "ä/b",
            ".hidden/x", "a/b@x/../y", "a/b\0",
        ]
    )
    func malformed(_ text: String) {
        #expect(throws: HubError.malformedReference(text)) { try HubReference(text) }
    }

    @Test("the environment sets endpoint, token and offline mode")
    func environment() throws {
        let standard = try HubConfiguration(environment: [:])
        #expect(standard.endpoint.absoluteString == "https://huggingface.co")
        #expect(standard.token == nil)
        #expect(!standard.isOffline)
        let other = try HubConfiguration(environment: [
            "HF_ENDPOINT": "http://mirror:8080/hf/", "HF_TOKEN": " t \n", "HF_HUB_OFFLINE": "1",
        ])
        #expect(other.endpoint.absoluteString == "http://mirror:8080/hf")
        #expect(other.token == "t")
        #expect(other.isOffline)
        #expect(throws: HubError.malformedEndpoint("ftp://x")) {
            try HubConfiguration(environment: ["HF_ENDPOINT": "ftp://x"])
        }
    }

    @Test("the cache lies where XDG says")
    func cacheFolder() {
        let folder = { (environment: [String: String]) in
            ModelCache(environment: environment).root
        }
        #expect(folder(["XDG_CACHE_HOME": "/c", "HOME": "/h"]) == "/c/facet/models")
        #expect(folder(["HOME": "/h"]) == "/h/.cache/facet/models")
        #expect(folder(["XDG_CACHE_HOME": "relative", "HOME": "/h"]) == "/h/.cache/facet/models")
    }

    @Test("a model that is nowhere is an error that says how to pull it")
    func unknown() {
        let cache = ModelCache(root: "/nowhere")
        #expect(throws: HubError.notPulled("org/x")) {
            try ModelReference.resolve("org/x", in: cache)
        }
        #expect("\(HubError.notPulled("org/x"))".contains("facet pull org/x"))
    }
}
