package confdoc

import (
	"fmt"
	"net/url"
	"strings"
)

// A URL is a backend's URL taken apart: scheme://host/path?query, or scheme:?query. It holds no user and no password,
// since a URL that has them is refused.
//
// It is not net/url that takes it apart: that knows no lists of hosts, and its errors repeat what they could not parse.
type URL struct {
	Scheme string // in lower case
	Host   string // between "//" and the path: one host, or several with commas
	Path   string // without the slash it begins with, unescaped
	Query  *Node  // a Map; a dotted key makes maps inside it
}

// ParseURL takes raw apart. Mistakes name query keys, and repeat nothing else of raw.
func ParseURL(raw string) (URL, []Mistake) {
	if len(raw) > maxURLBytes {
		return URL{}, []Mistake{urlMistake("", fmt.Sprintf("more than %d bytes", maxURLBytes))}
	}
	if strings.Contains(raw, "@") {
		return URL{}, []Mistake{urlMistake("", "a URL takes no user and no password (***@): give them in a configuration "+
			"file, or as ${NAME} in the query; write %40 where a value contains an @")}
	}
	scheme, rest, ok := strings.Cut(raw, ":")
	if !ok || !isScheme(scheme) {
		return URL{}, []Mistake{urlMistake("", "not a URL: it must begin with the name of a backend and a colon")}
	}
	p := urlParser{url: URL{Scheme: strings.ToLower(scheme), Query: &Node{Kind: Map, Source: FromURL, Place: urlPlace("")}}}
	rest, _, hasFragment := strings.Cut(rest, "#")
	if hasFragment {
		p.refuse("", "a # has no meaning here; write %23 where a value contains one")
	}
	rest, query, _ := strings.Cut(rest, "?")
	p.location(rest)
	p.query(query)
	return p.url, p.mistakes
}

type urlParser struct {
	url      URL
	mistakes []Mistake
}

func (p *urlParser) refuse(key, message string) {
	p.mistakes = append(p.mistakes, urlMistake(key, message))
}

func urlPlace(key string) Place { return Place{File: "url", Key: key} }

func urlMistake(key, message string) Mistake { return Mistake{Place: urlPlace(key), Message: message} }

// isScheme follows RFC 3986 §3.1.
func isScheme(s string) bool {
	for i, r := range strings.ToLower(s) {
		letter := r >= 'a' && r <= 'z'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789+-.", r)) {
			return false
		}
	}
	return s != ""
}

func (p *urlParser) location(rest string) {
	authority, hasAuthority := strings.CutPrefix(rest, "//")
	if !hasAuthority {
		if rest != "" {
			p.refuse("", "write "+p.url.Scheme+"://host, or "+p.url.Scheme+":?key=value")
		}
		return
	}
	host, path, _ := strings.Cut(authority, "/")
	p.url.Host = host
	unescaped, err := url.PathUnescape(path)
	if err != nil {
		p.refuse("", "the path has a % that is no escape")
	}
	p.url.Path = unescaped
}

func (p *urlParser) query(query string) {
	if query == "" {
		return
	}
	seen := map[string]bool{}
	for pair := range strings.SplitSeq(query, "&") {
		rawKey, rawValue, hasValue := strings.Cut(pair, "=")
		key, keyErr := url.QueryUnescape(rawKey)
		value, valueErr := url.QueryUnescape(rawValue)
		switch {
		case keyErr != nil || key == "":
			p.refuse("", "the query has a key that is empty or wrongly escaped")
		case strings.Contains(key, ";") || strings.Contains(rawValue, ";"):
			p.refuse(key, "pairs are separated by &, not by ;")
		case valueErr != nil:
			p.refuse(key, "the value has a % that is no escape")
		case !hasValue:
			p.refuse(key, "has no value")
		case seen[key]:
			p.refuse(key, "written twice")
		default:
			p.set(key, value)
		}
		seen[key] = true
	}
}

func (p *urlParser) set(key, value string) {
	path := strings.Split(key, ".")
	n := &Node{Kind: Scalar, Source: FromURL, Place: urlPlace(key), Text: value}
	if len(path) > maxDepth || p.url.Query.at(path) != nil || !p.url.Query.set(path, n) {
		p.refuse(key, "another key stands in its way")
	}
}
