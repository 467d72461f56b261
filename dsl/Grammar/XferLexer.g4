// The words of Xfer. Reserved words come first; clause words are reserved nowhere but where a clause opens with them:
// the parser's rule `name` lists them. What cannot be a token still is one (at the end), so that the lexer never fails
// and the parser decides what to say.
lexer grammar XferLexer;

// Reserved.
Import : 'import' ;
Const : 'const' ;
Param : 'param' ;
State : 'state' ;
Per : 'per' ;
Update : 'update' ;
Let : 'let' ;
For : 'for' ;
If : 'if' ;
Else : 'else' ;
Fn : 'fn' ;
Module : 'module' ;
Return : 'return' ;
Yield : 'yield' ;
Next : 'next' ;
Domain : 'domain' ;
Model : 'model' ;
Evaluate : 'evaluate' ;
Export : 'export' ;
Into : 'into' ;
Over : 'over' ;
Using : 'using' ;
Until : 'until' ;
With : 'with' ;
Against : 'against' ;
Every : 'every' ;
Except : 'except' ;
Like : 'like' ;
Given : 'given' ;
Each : 'each' ;
Along : 'along' ;
Scan : 'scan' ;
Or : 'or' ;
And : 'and' ;
Not : 'not' ;
True : 'true' ;
False : 'false' ;
None : 'none' ;

// Clause words: names elsewhere.
In : 'in' ;
As : 'as' ;
At : 'at' ;
By : 'by' ;
Of : 'of' ;
To : 'to' ;
Is : 'is' ;
From : 'from' ;
While : 'while' ;
When : 'when' ;
Merge : 'merge' ;
Fresh : 'fresh' ;
Views : 'views' ;
Micro : 'micro' ;
Count : 'count' ;
Expect : 'expect' ;
Read : 'read' ;
Generate : 'generate' ;
Live : 'live' ;
Fields : 'fields' ;
Split : 'split' ;
Map : 'map' ;
Augment : 'augment' ;
Hide : 'hide' ;
Load : 'load' ;
Drop : 'drop' ;
On : 'on' ;
Batch : 'batch' ;
Loss : 'loss' ;
Watch : 'watch' ;
Hold : 'hold' ;
Minimize : 'minimize' ;
Apply : 'apply' ;
Run : 'run' ;
Freeze : 'freeze' ;
Set : 'set' ;
Optimizer : 'optimizer' ;
Rate : 'rate' ;
Schedule : 'schedule' ;
Epochs : 'epochs' ;
Epoch : 'epoch' ;
Steps : 'steps' ;
Step : 'step' ;
Memory : 'memory' ;
Precision : 'precision' ;
Keep : 'keep' ;
Last : 'last' ;
Best : 'best' ;
Least : 'least' ;
Oracle : 'oracle' ;
Stop : 'stop' ;
Predict : 'predict' ;
Report : 'report' ;
Baseline : 'baseline' ;
Sweep : 'sweep' ;
Repeat : 'repeat' ;
Before : 'before' ;
After : 'after' ;
Stage : 'stage' ;

// Brackets and operators.
LeftBrace : '{' ;
RightBrace : '}' ;
LeftParen : '(' ;
RightParen : ')' ;
LeftBracket : '[' ;
RightBracket : ']' ;
Comma : ',' ;
Colon : ':' ;
Dot : '.' ;
Dots : '..' ;
Question : '?' ;
Assign : '=' ;
Arrow : '->' ;
FatArrow : '=>' ;
Less : '<' ;
LessEqual : '<=' ;
Greater : '>' ;
GreaterEqual : '>=' ;
Equal : '==' ;
NotEqual : '!=' ;
Plus : '+' ;
Minus : '-' ;
Star : '*' ;
StarStar : '**' ;
Slash : '/' ;
SlashSlash : '//' ;
Percent : '%' ;
AtSign : '@' ;

Size : [0-9]+ ('KiB' | 'MiB' | 'GiB') ;
Float : [0-9]+ '.' [0-9]+ ([eE] [+-]? [0-9]+)? | [0-9]+ [eE] [+-]? [0-9]+ ;
Int : [0-9]+ ;
String : '"' (~["\\\r\n] | '\\' ~[\r\n])* '"' ;
// The lexer reads bytes: from 0x80 on they are parts of characters outside of ASCII, which the check behind it refuses
// in names, whole.
Identifier : [A-Za-z_\u0080-\u00FF] [A-Za-z0-9_\u0080-\u00FF]* ;
Newline : '\r'? '\n' | ';' ;

Comment : '#' ~[\r\n]* -> channel(HIDDEN) ;
Blank : [ \t]+ -> skip ;

// Mistakes.
SingleQuoted : '\'' (~['\\\r\n] | '\\' ~[\r\n])* '\'' ;
OpenString : '"' (~["\\\r\n] | '\\' ~[\r\n])* '\\'? ;
Unknown : . ;
