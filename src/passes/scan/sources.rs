//! The built-in table of sources: which qualified names bring data in from outside, and of what kind.

use super::labels::Labels;
use crate::facts::Dialect;

/// Names, each with its label: all that is reached from one carries it.
const PYTHON: &[(&str, Labels)] = &[
    ("bottle.request", Labels::REQUEST),
    ("cgi.FieldStorage.()", Labels::REQUEST),
    ("cgi.parse.()", Labels::REQUEST),
    ("cherrypy.request", Labels::REQUEST),
    ("flask.request", Labels::REQUEST),
    ("quart.request", Labels::REQUEST),
    ("sanic.request", Labels::REQUEST),
    ("web.input.()", Labels::REQUEST),
    ("os.environ", Labels::ENVIRONMENT),
    ("os.environb", Labels::ENVIRONMENT),
    ("os.getenv.()", Labels::ENVIRONMENT),
    ("aiohttp.ClientSession.()", Labels::NETWORK),
    ("aiohttp.request.()", Labels::NETWORK),
    ("ftplib.FTP.()", Labels::NETWORK),
    ("http.client.HTTPConnection.()", Labels::NETWORK),
    ("http.client.HTTPSConnection.()", Labels::NETWORK),
    ("httpx.get.()", Labels::NETWORK),
    ("httpx.post.()", Labels::NETWORK),
    ("requests.Session.()", Labels::NETWORK),
    ("requests.get.()", Labels::NETWORK),
    ("requests.post.()", Labels::NETWORK),
    ("requests.request.()", Labels::NETWORK),
    ("socket.create_connection.()", Labels::NETWORK),
    ("socket.socket.()", Labels::NETWORK),
    ("urllib.request.urlopen.()", Labels::NETWORK),
    ("urllib2.urlopen.()", Labels::NETWORK),
    ("urllib3.PoolManager.()", Labels::NETWORK),
    ("websocket.create_connection.()", Labels::NETWORK),
    ("open.()", Labels::FILE),
    ("codecs.open.()", Labels::FILE),
    ("os.read.()", Labels::FILE),
    ("pathlib.Path.().open.()", Labels::FILE),
    ("pathlib.Path.().read_bytes.()", Labels::FILE),
    ("pathlib.Path.().read_text.()", Labels::FILE),
    ("input.()", Labels::INPUT),
    ("raw_input.()", Labels::INPUT),
    ("sys.stdin", Labels::INPUT),
    ("argparse.ArgumentParser.().parse_args.()", Labels::ARGUMENT),
    ("optparse.OptionParser.().parse_args.()", Labels::ARGUMENT),
    ("sys.argv", Labels::ARGUMENT),
    ("getpass.getpass.()", Labels::CREDENTIALS),
    ("keyring.get_password.()", Labels::CREDENTIALS),
];

const JAVASCRIPT: &[(&str, Labels)] = &[
    ("document.URL", Labels::REQUEST),
    ("document.cookie", Labels::CREDENTIALS),
    ("document.location", Labels::REQUEST),
    ("document.referrer", Labels::REQUEST),
    ("location.hash", Labels::REQUEST),
    ("location.href", Labels::REQUEST),
    ("location.search", Labels::REQUEST),
    ("process.env", Labels::ENVIRONMENT),
    ("XMLHttpRequest.()", Labels::NETWORK),
    ("WebSocket.()", Labels::NETWORK),
    ("axios.()", Labels::NETWORK),
    ("axios.get.()", Labels::NETWORK),
    ("axios.post.()", Labels::NETWORK),
    ("fetch.()", Labels::NETWORK),
    ("node-fetch.()", Labels::NETWORK),
    ("net.connect.()", Labels::NETWORK),
    ("net.createConnection.()", Labels::NETWORK),
    ("fs.readFile", Labels::FILE),
    ("fs.readFileSync.()", Labels::FILE),
    ("fs.promises.readFile.()", Labels::FILE),
    ("fs.promises.readFile", Labels::FILE),
    ("prompt.()", Labels::INPUT),
    ("process.stdin", Labels::INPUT),
    ("readline.createInterface.()", Labels::INPUT),
    ("process.argv", Labels::ARGUMENT),
    ("localStorage.getItem.()", Labels::CREDENTIALS),
];

fn table(dialect: Dialect) -> &'static [(&'static str, Labels)] {
    match dialect {
        Dialect::Python => PYTHON,
        Dialect::JavaScript => JAVASCRIPT,
    }
}

/// The labels of a qualified name itself.
pub(super) fn of(name: &str, dialect: Dialect) -> Labels {
    let found = table(dialect).iter().filter(|(source, _)| *source == name).map(|(_, labels)| labels.0);
    Labels(found.fold(0, |all, labels| all | labels))
}

/// Whether a word is part of a source's name, so that a region with it may hold a source.
pub(super) fn is_word(word: &str, dialect: Dialect) -> bool {
    let in_name = |name: &str| name.split('.').any(|part| part == word && part != "()");
    matches!(word, "request" | "req" | "ctx") || table(dialect).iter().any(|(name, _)| in_name(name))
}

/// Whether `object.member` is by convention data of a request, whatever the object may be.
pub(super) fn is_conventional(object: &str, member: &str, dialect: Dialect) -> bool {
    match (dialect, object) {
        (Dialect::Python, "request" | "req") => matches!(
            member,
            "GET"
                | "POST"
                | "FILES"
                | "COOKIES"
                | "META"
                | "body"
                | "args"
                | "form"
                | "values"
                | "json"
                | "get_json"
                | "cookies"
                | "headers"
                | "files"
                | "data"
                | "query_params"
                | "path_params"
                | "query"
                | "match_info"
        ),
        (Dialect::JavaScript, "request" | "req" | "ctx") => {
            matches!(
                member,
                "body" | "query" | "params" | "headers" | "cookies" | "url" | "originalUrl" | "hostname" | "path"
            )
        }
        _ => false,
    }
}

/// Whether a function makes something harmless of whatever it is given.
pub(super) fn is_harmless(name: &str, dialect: Dialect) -> bool {
    match dialect {
        Dialect::Python => matches!(
            name,
            "int"
                | "float"
                | "bool"
                | "len"
                | "hash"
                | "id"
                | "ord"
                | "isinstance"
                | "type"
                | "shlex.quote"
                | "html.escape"
                | "markupsafe.escape"
                | "re.escape"
                | "uuid.UUID"
                | "datetime.datetime.strptime"
        ),
        Dialect::JavaScript => matches!(
            name,
            "parseInt"
                | "parseFloat"
                | "Number"
                | "Boolean"
                | "BigInt"
                | "encodeURIComponent"
                | "encodeURI"
                | "escape"
                | "isNaN"
                | "Math.floor"
                | "DOMPurify.sanitize"
        ),
    }
}
