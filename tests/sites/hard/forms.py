"""Every form in which a page can name another resource: one page each, and what it leads to.

In `markup` and `leads_to`, `@/` stands for the form's own folder (`/f/<name>`); what has no `/` in front lies in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Form:
    """`files`: further resources of the form, path → body. `needs_browser`: only running its scripts shows the link."""

    name: str
    markup: str
    leads_to: tuple[str, ...]
    files: dict[str, str] = field(default_factory=dict)
    needs_browser: bool = False

    @property
    def folder(self) -> str:
        return f"/f/{self.name}"

    @property
    def page(self) -> str:
        return f"{self.folder}/index.html"

    def path(self, name: str) -> str:
        return name if name.startswith("/") else f"{self.folder}/{name}"

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(map(self.path, self.leads_to))

    @property
    def bodies(self) -> dict[str, str]:
        return {self.path(name): body.replace("@/", f"{self.folder}/") for name, body in self.files.items()}

    @property
    def html(self) -> str:
        return self.markup.replace("@/", f"{self.folder}/")


def _form(name: str, markup: str, *leads_to: str, **more: object) -> Form:
    return Form(name, markup, leads_to, **more)  # type: ignore[arg-type]


STATIC = (
    # Anchors and what browsers follow
    _form("anchor-upper", "<A HREF=one.htm>a</A>", "one.htm"),
    _form("anchor-single", "<a href='../anchor-single/two.htm#top'>a</a>", "two.htm"),
    _form("anchor-blanks", '<a href=" \n\tthree.htm\n ">a</a>', "three.htm"),
    _form("anchor-backslash", '<a href="\\f\\anchor-backslash\\four.htm">a</a>', "four.htm"),
    _form("anchor-entity", '<a href="five.asp?a=1&amp;b=2">a</a>', "five.asp?a=1&b=2"),
    _form("anchor-scheme-relative", '<a href="//HOST@/six.htm">a</a>', "six.htm"),
    _form("anchor-blank-in-name", '<a href="a b.htm">a</a>', "a%20b.htm"),
    _form("anchor-chinese", '<a href="附件（一）.htm">a</a>', "%E9%99%84%E4%BB%B6%EF%BC%88%E4%B8%80%EF%BC%89.htm"),
    _form("area", '<map name=m><AREA shape=rect href="a.htm"></map>', "a.htm"),
    _form("frame", "<frameset><FRAME SRC=left.htm><frame src='right.htm'></frameset>", "left.htm", "right.htm"),
    _form("noframes", "<frameset><noframes><a href=plain.htm>a</a></noframes></frameset>", "plain.htm"),
    _form("iframe", "<iframe src=in.htm></iframe>", "in.htm"),
    _form("iframe-srcdoc", "<iframe srcdoc='<a href=&quot;doc.htm&quot;>a</a>'></iframe>", "doc.htm"),
    _form("base", '<base href="@/deep/"><base href="/nowhere/"><a href="a.htm">a</a>', "deep/a.htm"),
    _form("option", '<select onchange="go(this)"><option value="list.asp?id=3">x</select>', "list.asp?id=3"),
    _form("option-folder", '<select><option value="@/zone/">x</select>', "zone/"),
    _form("form-get", "<form action=search.asp><input name=q></form>", "search.asp"),
    _form("refresh", "<META HTTP-EQUIV=Refresh CONTENT=\"0; URL='main.html'\">", "main.html"),
    _form("refresh-bare", '<meta http-equiv="refresh" content="300;next.htm">', "next.htm"),
    _form("refresh-comma", '<meta http-equiv=refresh content="300 , url = comma.htm">', "comma.htm"),
    _form("refresh-no-time", '<meta http-equiv="Refresh" content="url=untimed.htm">', "untimed.htm"),
    _form("refresh-open-quote", "<meta http-equiv=Refresh content=\"300;url='open.htm\">", "open.htm"),
    _form("link-next", '<link rel="next" href="n2.htm">', "n2.htm"),
    _form("comment", "<!-- <li><a href=gone.htm>off</a> -->", "gone.htm"),
    _form("conditional-comment", "<!--[if lt IE 9]><script src=ie.js></script><![endif]-->", "ie.js"),
    _form("noscript", "<noscript><img src=ns.gif></noscript>", "ns.gif"),
    _form("template", "<template><a href=t.htm>t</a></template>", "t.htm"),
    # What a page shows
    _form("img", "<IMG SRC=a.gif>", "a.gif"),
    _form("img-lowsrc", "<img src=@/h.gif lowsrc=l.gif dynsrc=d.avi>", "h.gif", "l.gif", "d.avi"),
    _form("srcset", '<img srcset="s,1.jpg 1x, l.jpg 2x,m.jpg 3x">', "s,1.jpg", "l.jpg", "m.jpg"),
    _form("picture", '<picture><source srcset="w.webp 800w"><img src="f.jpg"></picture>', "w.webp", "f.jpg"),
    _form("video", "<video poster=p.jpg><source src=v.mp4><track src=c.vtt></video>", "p.jpg", "v.mp4", "c.vtt"),
    _form("audio", "<audio src=a.mp3></audio><bgsound src=b.mid>", "a.mp3", "b.mid"),
    _form("object", "<object data=o.swf><param name=movie value=m.swf></object>", "o.swf", "m.swf"),
    _form("embed", "<embed src=e.swf flashvars='pics=p1.jpg|p2.jpg&links=l1.htm|l2.htm'>", "e.swf", "p1.jpg", "p2.jpg",
          "l1.htm", "l2.htm"),
    _form("applet", "<applet code=A.class archive=a.jar></applet>", "A.class", "a.jar"),
    _form("background", "<table background=t.gif><tr><TD BACKGROUND='d.gif'>x</table>", "t.gif", "d.gif"),
    _form("input-image", "<form method=post action=/no.asp><input type=image src=go.gif></form>", "go.gif"),
    _form("svg", '<svg><image xlink:href="v.png"/><use xlink:href="sprite.svg#a"/><a xlink:href="sa.htm">a</a></svg>',
          "v.png", "sprite.svg", "sa.htm"),
    _form("vml", "<v:imagedata src=v.gif />", "v.gif"),
    _form("og-image", '<meta property="og:image" content="@/og.png"><meta itemprop=image content=ip.jpg>', "og.png", "ip.jpg"),
    _form("icons", '<link rel="shortcut icon" href=f.ico><link rel=apple-touch-icon href=t.png>', "f.ico", "t.png"),
    _form("manifest", "<link rel=manifest href=manifest.json>", "manifest.json", "icons/m.png",
          files={"manifest.json": '{"name": "x", "icons": [{"src": "icons\\/m.png"}]}'}),
    _form("lazy", '<img src="b.gif" data-original="l1.jpg"><img data-src="l2.jpg" lay-src=l3.jpg>', "b.gif", "l1.jpg",
          "l2.jpg", "l3.jpg"),
    _form("data-any", '<div data-hero-picture="@/h.jpg" data-more-link="@/more"></div>', "h.jpg", "more"),
    _form("data-json", "<div data-config='{\"url\": \"\\/f\\/data-json\\/cfg.html\"}'></div>", "cfg.html"),
    _form("data-background", '<div data-bg="url(db.jpg)"></div>', "db.jpg"),
    _form("unknown-attribute", "<img zoomfile=z.jpg src=y.jpg>", "z.jpg", "y.jpg"),
    # Style
    _form("style-attribute", "<div style=\"background: url( 'st.gif' )\">x</div>", "st.gif"),
    _form("style-element", "<style>a{background:URL(b\\.gif)} b{background:url('c\\)d.gif')}</style>", "b.gif", "c)d.gif"),
    _form("style-hex-escape", "<style>a{background:url(h\\65 x.gif)}</style>", "hex.gif"),
    _form("style-import", '<style>@import "i1.css";@import url(i2.css) screen;@import\'i3.css\';</style>', "i1.css",
          "i2.css", "i3.css"),
    _form("style-image-set", '<style>a{background:image-set("s1.png" 1x, url(s2.png) 2x)}</style>', "s1.png", "s2.png"),
    _form("style-font", "<style>@font-face{src:url(f.eot?#iefix),url(f.woff) format('woff')}</style>", "f.eot", "f.woff"),
    _form("style-filter", "<div style=\"filter:progid:DXImageTransform.Microsoft.AlphaImageLoader(src='ie.png')\">x</div>",
          "ie.png"),
    _form("stylesheet", "<link rel=stylesheet href=css/s.css>", "css/s.css", "img/x.png", "css/t.css", "css/y.gif",
          files={"css/s.css": "/* url(no.gif) */ @import url(t.css); b{background:url('../img/x.png')}",
                 "css/t.css": "i{background:url(y.gif)}"}),
    # Scripts
    _form("onclick", "<td onclick=\"location.href='t.htm'\">x</td>", "t.htm"),
    _form("onclick-query", "<b onclick=\"window.open('@/show?id=7')\">x</b>", "show?id=7"),
    _form("javascript-url", "<a href=\"javascript:openwin('pop.htm')\">x</a>", "pop.htm"),
    _form("javascript-void", "<a href=\"JavaScript:void(window.open('s.asp?id=7','','width=3'))\">x</a>", "s.asp?id=7"),
    _form("document-write", "<script>document.write('<a href=\"dw.htm\">x<\\/a>')</script>", "dw.htm"),
    _form("document-write-joined", "<script>document.write('<a href=\"' + 'jo' + \"ined.htm\" + '\">x</a>')</script>",
          "joined.htm"),
    _form("document-write-named", "<script>var d='@/n/'; document.write('<a href=\"'+d+'amed.htm\">x</a>')</script>",
          "n/amed.htm"),
    _form("script-redirect", "<script>if (0) top.location=\"m1.htm\";</script>", "m1.htm"),
    _form("script-replace", "<script>if (0) window.location.replace('@/moved/');</script>", "moved/"),
    _form("script-timeout", "<script>setTimeout(\"location.href='late.htm'\", 1e7)</script>", "late.htm"),
    _form("script-variable", '<script>var next = "v2.htm"; imgs[0] = \'i/b1.jpg\'</script>', "v2.htm", "i/b1.jpg"),
    _form("script-file", "<script src=js/a.js></script>", "js/a.js", "js/menu.htm",
          files={"js/a.js": "var menu = ['menu.htm', 'x']"}),
    _form("fetch-literal", "<script>if (0) fetch('@/api/list?type=1')</script>", "api/list?type=1", "api/n1.htm",
          files={"api/list?type=1": '{"rows": [{"id": 1, "link": "n1.htm"}]}'}),
    _form("ajax-literal", '<script>if (0) $.ajax({type: "GET", url: "@/ajax/data"})</script>', "ajax/data"),
    _form("json-with-html", "<script>var api = 'rows.json'</script>", "rows.json", "j1.htm",
          files={"rows.json": '{"html": "<ul><li><a href=\\"j1.htm\\">\\u4e00<\\/a></ul>"}'}),
    _form("json-ld", '<script type="application/ld+json">{"image": "@/ld.jpg", "url": "@/ld"}</script>', "ld.jpg", "ld"),
    _form("script-template", "<script type=text/template><a href=tpl.htm>x</a></script>", "tpl.htm"),
    # Lists whose pages only a script names
    _form("trs-paging", '<script>createPageHTML(3, 0, "index", "html");</script>', "index_1.html", "index_2.html"),
    _form("trs-paging-div", "<script>createPageHTML('page_div',3, 1,'list','shtml',41);</script>", "list.shtml",
          "list_2.shtml", "list_3.shtml"),
    _form("trs-paging-2", "<script>createPageHTML2(2,0,'old','htm','cls')</script>", "old.htm", "old_1.htm"),
    _form("paging-other-order", '<script>createPage("news","html",3,0)</script>', "news.html", "news_1.html", "news_2.html"),
    _form("paging-count-page", "<script>var currentPage = 0; var countPage = 3//共3页</script>", "index_1.html", "index_2.html"),
    _form("paging-built", "<script>var pageCount=2;function go(n){location.href='l_'+n+'.html'}</script>", "l_1.html", "l_2.html"),
    _form("paging-query", "<script>var totalPages = 2; function go(n){location='q.asp?c=5&page='+n}</script>",
          "q.asp?c=5&page=1", "q.asp?c=5&page=2"),
    _form("paging-placeholder", '<script>new JPage({pageCount: 2, url: "p_{page}.html"})</script>', "p_1.html", "p_2.html"),
    # Other kinds of documents
    _form("feed", '<link rel="alternate" type="application/rss+xml" href="rss.xml">', "rss.xml", "r1.htm", "r1.mp3",
          "d1.jpg", files={"rss.xml": "<rss><channel><item><link>http://HOST@/r1.htm</link><enclosure url='http://HOST@/r1.mp3'/>"
                                      "<description>&lt;img src='@/d1.jpg'&gt;</description></item></channel></rss>"}),
    _form("atom", "<link rel=alternate type=application/atom+xml href=a.atom>", "a.atom", "e1.htm",
          files={"a.atom": "<feed><entry><link href='e1.htm'/></entry></feed>"}),
    _form("svg-document", "<img src=p.svg>", "p.svg", "in.png",
          files={"p.svg": "<svg xmlns='http://www.w3.org/2000/svg'><image href='in.png'/></svg>"}),
)  # fmt: skip

IN_BROWSER = (
    _form("xhr-list", "<ul id=l></ul><script>fetch(['@/it','ms.json'].join('e')).then(r=>r.json()).then(d=>d.ids.forEach("
          "i=>l.innerHTML+='<li><a href=\"x'+i+'.htm\">'+i+'</a>'))</script>", "items.json", "x4.htm", "x9.htm",
          files={"items.json": '{"ids": [4, 9]}'}, needs_browser=True),
    _form("xhr-old", "<div id=o></div><script>var r=new XMLHttpRequest();r.open('GET','p'+(1+1)+'.html');r.onload="
          "function(){o.innerHTML=r.responseText};r.send()</script>", "p2.html", "after.htm",
          files={"p2.html": "<a href=after.htm>a</a>"}, needs_browser=True),
    _form("script-built", "<p id=b></p><script>for(var i=1;i<4;i++){var a=document.createElement('a');a.href='b'+i*i+'.htm';"
          "b.appendChild(a)}</script>", "b1.htm", "b4.htm", "b9.htm", needs_browser=True),
    _form("script-outside", "<div id=app></div><script src=js/app.js></script>", "js/app.js", "data/7.json", "v7.htm",
          files={"js/app.js": "fetch('data/'+(3+4)+'.json').then(r=>r.json()).then(d=>{var a=document.createElement('a');"
                              "a.href='v'+d.n+'.htm';app.appendChild(a)})",
                 "data/7.json": '{"n": 7}'}, needs_browser=True),
    _form("endless-scroll", "<div id=s style='height:2000px'>列表</div><script>var n=0,busy=false;"
          "addEventListener('scroll',function(){if(busy||n>2)return;busy=true;n++;fetch('part'+n+'.json').then(r=>r.json())"
          ".then(d=>{s.insertAdjacentHTML('beforeend','<a style=\"display:block;height:1500px\" href=\"s'+d.id+'.htm\">x</a>');"
          "s.style.height='auto';busy=false})})</script>",
          "part1.json", "part2.json", "part3.json", "s11.htm", "s12.htm", "s13.htm",
          files={"part1.json": '{"id": 11}', "part2.json": '{"id": 12}', "part3.json": '{"id": 13}'}, needs_browser=True),
    _form("hash-routes", "<a href='#/one'>1</a><a href='#/two'>2</a><div id=v></div><script>function go(){if(location.hash)"
          "fetch('route-'+location.hash.slice(2)+'.json').then(r=>r.json()).then(d=>v.innerHTML='<img src=h'+d.n+'.png>')}"
          "addEventListener('hashchange',go)</script>", "route-one.json", "route-two.json", "h1.png", "h2.png",
          files={"route-one.json": '{"n": 1}', "route-two.json": '{"n": 2}'}, needs_browser=True),
    _form("load-more", "<div id=m></div><button onclick='more()'>加载更多</button><script>var k=0;function more(){k++;"
          "if(k<3)fetch('more'+k+'.json').then(r=>r.json()).then(d=>m.innerHTML+='<a href=m'+d.n+'.htm>x</a>')}</script>",
          "more1.json", "more2.json", "m1.htm", "m2.htm", files={"more1.json": '{"n": 1}', "more2.json": '{"n": 2}'},
          needs_browser=True),
    _form("computed-redirect", "<script>setTimeout(function(){location.href='to'+(40+2)+'.htm'},20)</script>", "to42.htm",
          needs_browser=True),
    _form("click-handler", "<a href='javascript:show(5)'>x</a><script>function show(n){window.open('c'+n+'.htm')}</script>",
          "c5.htm", needs_browser=True),
    _form("lazy-by-script", "<img id=z src=blank.gif><script>z.src=['la','zy.jpg'].join('')</script>", "blank.gif",
          "lazy.jpg", needs_browser=True),
)  # fmt: skip

FORMS = STATIC + IN_BROWSER
