export default "article.11ty.js";
