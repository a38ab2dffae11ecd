// 公共脚本：弹窗、分页、日期
function openwin(u){window.open(u,"newwin","width=520,height=360,scrollbars=yes");}
function doZoom(size){var o=document.getElementById("zoom")||document.getElementById("zoomA");if(o)o.style.fontSize=size+"px";}
function showdate(){var d=new Date();document.write(d.getFullYear()+"年"+(d.getMonth()+1)+"月"+d.getDate()+"日");}
function check(f){if(f.nr.value==""){alert("请填写内容！");return false;}return true;}
function createPageHTML(_nPageCount,_nCurrIndex,_sPageName,_sPageExt){
 if(_nPageCount==null||_nPageCount<=1){return;}
 var i=0,s="";
 if(_nCurrIndex>0){s+="<a href=\""+_sPageName+"."+_sPageExt+"\">首页</a> ";
  s+="<a href=\""+_sPageName+(_nCurrIndex==1?"":"_"+(_nCurrIndex-1))+"."+_sPageExt+"\">上一页</a> ";}
 for(i=0;i<_nPageCount;i++){if(i==_nCurrIndex){s+="<b>"+(i+1)+"</b> ";}else{s+="<a href=\""+_sPageName+(i==0?"":"_"+i)+"."+_sPageExt+"\">"+(i+1)+"</a> ";}}
 if(_nCurrIndex<_nPageCount-1){s+="<a href=\""+_sPageName+"_"+(_nCurrIndex+1)+"."+_sPageExt+"\">下一页</a>";}
 document.write(s);
}
