window.onload=function(){
 function show(){var a=document.getElementsByTagName("img"),i,o,t;
  for(i=0;i<a.length;i++){o=a[i].getAttribute("data-original");t=a[i].getBoundingClientRect().top;
   if(o&&t<(window.innerHeight||document.documentElement.clientHeight)+50){a[i].src=o;a[i].removeAttribute("data-original");}}}
 window.onscroll=show;show();
};
