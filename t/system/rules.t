#!/usr/bin/perl
# poterne rules and masscheck, on rule files and messages of our own.
use strict;
use warnings;

use File::Temp qw(tempdir);
use JSON::PP ();
use Test::More;
use lib 't/lib';
use Poterne::Mail qw(letter);
use Poterne::Process qw(command_output command_answer);

my $build = $ENV{POTERNE_BUILD} // 'build';
plan skip_all => "$build/poterne is not built" if !-x "$build/poterne";
my $root = tempdir( 'poterne-rules-XXXXXX', TMPDIR => 1, CLEANUP => 1 );

sub put {
    my ( $name, $text ) = @_;
    open my $file, '>', "$root/$name" or die "$root/$name: $!\n";
    print {$file} $text;
    close $file or die "$root/$name: $!\n";
    return "$root/$name";
}

sub poterne {
    return command_output( "$build/poterne", @_ );
}

sub poterne_json {
    my ( $status, $said ) = command_answer( "$build/poterne", @_, '--json' );
    return map { JSON::PP->new->utf8->decode($_) } split /\n/, $said;
}

my $rules = put( 'rules.cf', <<'END' );
header   __FROM_REMOTE  From =~ /far\.example/
body     __WATCHES      /cheap watches/i
meta     WATCHES        __FROM_REMOTE && __WATCHES
describe WATCHES        Watches from afar
score    WATCHES        1 2 3 4
body     OCTOBER        /measurements of October/
score    OCTOBER        -1.5
body     __UNUSED       /never/
body     SILENT         /cheap/
score    SILENT         0
END
my $broken = put( 'broken.cf', <<'END' );
body     OPEN_BRACKET   /(/
header   STRANGE        eval:no_such_function()
frobnicate everything
meta     ASKS_NOBODY    __NOT_THERE + 1
score    NOWHERE        3
END
my $to = 'jean@univ.example';
my $ham = put( 'ham.eml', letter( $to, 'Measurements', "The measurements of October are there.\n" ) );
my $spam = put( 'spam.eml', letter( $to, 'Offer', "Buy CHEAP WATCHES now, cheap watches!\n" ) =~ s/^From:.*/From: x\@far.example/mr );
my $index = put( 'index', "ham ham.eml\nspam spam.eml\n" );

# --- check ---

my ( $status, $said ) = poterne( 'rules', 'check', $rules );
is( $status, 0, 'check: rules without a mistake' ) or diag($said);
like( $said, qr/^\Q$rules\E:8: note: __UNUSED can't score: no rule/m, 'a sub-rule that nobody asks for is noted' );
like( $said, qr/^\Q$rules\E:9: note: SILENT can't score: its score is 0/m, 'a rule without score too' );
unlike( $said, qr/note: (?:WATCHES|OCTOBER|__WATCHES)/, 'the others are not' );
( $status, $said ) = poterne( 'rules', 'check', $broken );
is( $status, 1, 'check: mistakes' );
like( $said, qr/^\Q$broken\E:1: OPEN_BRACKET: /m,                       'a pattern that can\'t be compiled' );
like( $said, qr/^\Q$broken\E:2: STRANGE: .*no_such_function/m,          'an eval function that is not known' );
like( $said, qr/^\Q$broken\E:3: 'frobnicate' is no directive/m,         'an unknown directive' );
is( () = $said =~ /^\Q$broken\E:4: note: ASKS_NOBODY asks for '__NOT_THERE'/mg, 1, 'a meta that names nothing, once' );
like( $said, qr/^\Q$broken\E:5: note: NOWHERE is scored or described/m, 'a score without a rule' );
my @found = poterne_json( 'rules', 'check', $broken );
is_deeply( [ sort { $a <=> $b } map { $_->{line} } grep { $_->{kind} eq 'mistake' } @found ],
    [ 1 .. 3 ], 'check --json: lines of the mistakes' );
is( ( poterne( 'rules', 'check', "$root/none" ) )[0], 2, 'check: rules that are not there' );

# --- list, show ---

( $status, $said ) = poterne( 'rules', 'list', '-r', $rules );
is( $status, 0, 'list' );
is_deeply( [ sort map { ( split ' ', substr $_, 9 )[1] } split /\n/, $said ],
    [qw(OCTOBER WATCHES __FROM_REMOTE __WATCHES)], 'has what is run' )
    or diag($said);
like( $said, qr/^ *\+4\.000  meta +WATCHES +\Q$rules\E:3$/m, 'with score, kind and place' );
my @all = poterne_json( 'rules', 'list', '-r', $rules, '--all', '--score-set', 0 );
is( scalar @all, 6, 'list --all has the others too' );
is( ( grep { $_->{name} eq 'WATCHES' } @all )[0]{score}, 1, '--score-set chooses the score' );
is( ( poterne( 'rules', 'list', '-r', $rules, 'NO*' ) )[0], 1, 'list: nothing fits' );
is( scalar poterne_json( 'rules', 'list', '-r', $rules, '*WATCH*' ), 2, 'list: a pattern' );

my ($shown) = poterne_json( 'rules', 'show', '-r', $rules, 'WATCHES' );
is_deeply( $shown->{needs}, [qw(__FROM_REMOTE __WATCHES)], 'show: what it needs' );
is_deeply( $shown->{scores}, [ 1 .. 4 ], 'all scores' );
is( $shown->{source}, 'meta     WATCHES        __FROM_REMOTE && __WATCHES', 'its line' );
ok( $shown->{runs}, 'that it is run' );
($shown) = poterne_json( 'rules', 'show', '-r', $rules, '__WATCHES' );
is_deeply( $shown->{needed_by}, ['WATCHES'], 'show: what needs it' );
( $status, $said ) = poterne( 'rules', 'show', '-r', $rules, 'WATCHES' );
like( $said, qr/^WATCHES \(meta, .*:3\)\n  describe    Watches from afar$/m, 'show in words' );
( $status, $said ) = poterne( 'rules', 'show', '-r', $rules, 'WATCHED', 'OCTOBER' );
is( $status, 1, 'show: no such rule' );
like( $said, qr/no rule WATCHED.*^OCTOBER /ms, 'the others are shown' );

# --- hits ---

my ($hits) = poterne_json( 'rules', 'hits', '-r', $rules, $spam );
is_deeply( [ map { $_->{name} } @{ $hits->{rules} } ], [qw(WATCHES __FROM_REMOTE __WATCHES)], 'hits' );
is( $hits->{score}, 4, 'hits: the score' );
is( ( grep { $_->{name} eq '__WATCHES' } @{ $hits->{rules} } )[0]{text}, 'CHEAP WATCHES', 'hits: the text that matched' );
my $enough = put( 'enough.cf', "body A /offer|CHEAP/\nscore A 2.3\nbody B /WATCHES/\nscore B 2.7\n" );
($hits) = poterne_json( 'rules', 'hits', '-r', $enough, $spam );
ok( $hits->{score} == 5 && $hits->{spam}, 'hits: the score that is required is spam' );
( $status, $said ) = poterne( 'rules', 'hits', '-r', $rules, "$root/none.eml", $ham );
is( $status, 2, 'hits: a file that is not there' );
like( $said, qr/none\.eml/, 'is named' );

# --- test ---

my $tested = put( 'tested.cf', <<'END' );
body     WATCHES_B  /cheap watches/i
header   OFFER      Subject =~ /^Offer\b/
header   LISTED     exists:List-Id
rawbody  BOLD       /<b>/
uri      LINKED     m{^http://192\.0\.2\.7/}
test WATCHES_B ok   Cheap Watches!
test WATCHES_B fail dear watches
test OFFER ok       Offer of the day
test OFFER fail     No Offer
test BOLD ok        a <b>bold</b> word
test LINKED ok      look at http://192.0.2.7/x now
test LISTED ok      <list.example>
END
( $status, $said ) = poterne( 'rules', 'test', $tested );
is( $status, 0, 'test: all as their author says' ) or diag($said);
like( $said, qr/^7 tests, 0 failed,/m, 'counted' );
my $wrong = put( 'wrong.cf', "body A /aa/\ntest A ok bb\ntest A fail aa\ntest B ok x\n" );
( $status, $said ) = poterne( 'rules', 'test', $wrong );
is( $status, 1, 'test: not as their author says' );
like( $said, qr/^\Q$wrong\E:2: A does not match: bb$/m,             'what should match, with its place' );
like( $said, qr/^\Q$wrong\E:3: A matches, and should not: aa$/m,    'what should not' );
like( $said, qr/^\Q$wrong\E:4: B is no rule, but .* test of it: x$/m, 'a test of nothing' );
@found = poterne_json( 'rules', 'test', $wrong );
is_deeply(
    [ map { [ @{$_}{qw(file line rule expected text)} ] } @found ],
    [ [ $wrong, 2, 'A', 'ok', 'bb' ], [ $wrong, 3, 'A', 'fail', 'aa' ], [ $wrong, 4, 'B', 'ok', 'x' ] ],
    'test --json'
);

# --- masscheck ---

( $status, $said ) = command_answer( "$build/poterne", 'masscheck', '--quiet', '-r', $rules, $index );
is( $status, 0, 'masscheck' );
my @lines = grep { !/^#/ } split /\n/, $said;
like( $lines[0], qr/^\. -1 \Q$ham\E OCTOBER \S*format=f,set=3,reuse=no,class=ham$/, 'ham' );
like( $lines[1], qr/^\.  4 \Q$spam\E WATCHES,__FROM_REMOTE,__WATCHES \S*class=spam$/, 'spam, in the order of the list' );
( undef, $said ) = command_answer( "$build/poterne", 'masscheck', '--quiet', '-r', $enough, $index );
like( $said, qr/^\.  0 \Q$ham\E .*^Y  5 \Q$spam\E /ms, 'masscheck: what reaches the score is spam' );
my @objects = poterne_json( 'masscheck', '-r', $rules, $index );
is_deeply( [ map {"$_->{class} $_->{score}"} @objects ], [ 'ham -1.5', 'spam 4' ], 'masscheck --json' );
my $many = put( 'many', join '', map { $_ % 3 ? "ham ham.eml\n" : "spam $spam\n" } 1 .. 900 );
my ( undef, $alone ) = command_answer( "$build/poterne", 'masscheck', '--quiet', '--processes', 1, '-r', $rules, $many );
my ( undef, $crowd ) = command_answer( "$build/poterne", 'masscheck', '--quiet', '--processes', 5, '-r', $rules, $many );
s/scantime=[\d.]+//g for $alone, $crowd;
is( $crowd, $alone, 'any number of processes says the same' );
( $status, $said ) = poterne( 'masscheck', '-r', $rules, put( 'gone', "ham none.eml\nham ham.eml\n" ) );
is( $status, 2, 'masscheck: a message that is not there' );
like( $said, qr/none\.eml.*1 messages in .* 1 failed/s, 'is named and counted' );
( $status, $said ) = poterne( 'masscheck', '-r', $rules, put( 'bad', "ham ham.eml\nwhat\n" ) );
like( $said, qr{/bad:2: a line is "ham PATH"}, 'masscheck: a mistake in the list' );
is( ( poterne('masscheck') )[0], 2, 'masscheck wants a list' );

# --- evaluate ---

my ( $evaluated, $stream ) = command_answer( "$build/poterne", 'evaluate', '--quiet', $many );
is( $evaluated, 0, 'evaluate' );
my @judged = grep { !/^#/ } split /\n/, $stream;
is( scalar @judged, 900, 'evaluate: a line for each message' );
like( $judged[0], qr/^ham 0\.0+ ham ham\.eml$/, 'evaluate: a filter that knows nothing, the path as in the list' );
like( $judged[-1], qr/^spam [1-9][\d.]* spam \Q$spam\E$/, 'evaluate: spam is above 0' );
like( $stream, qr/^# 1-ROCA% 0\.\d{4}\n# hm% 0\.00\n# sm% [\d.]+\n# lam% [\d.]+\n# sm%\@hm0\.1% [\d.]+\n\z/m, 'its measures' );
my @told = poterne_json( 'evaluate', '--with-rules', '--score-set', 3, '-r', $rules, '--feedback', 'partial=0', $index );
is_deeply( [ map { $_->{score} // () } @told ], [ -6.5, -1 ], 'evaluate: the rules alone, where nothing is learned' );
is( $told[-1]{ham}, 1, 'evaluate --json: the measures last' );
my @both = poterne_json( 'evaluate', '--quiet', '--with-rules', '-r', $rules, $many );
is_deeply(
    [ map { $_->{heuristics} } grep { ( $_->{label} // '' ) eq 'spam' } @both ],
    [ (4) x 200, (2) x 100 ],
    'evaluate: rules score as beside a trained pass 2 from 200 messages of each class on, as in the gateway'
);
( $status, $said ) = poterne( 'evaluate', '--feedback', 'never', $index );
is( $status, 2, 'evaluate: no such feedback' );
like( $said, qr/delayed=N.*"never"/, 'is told' );
is( ( poterne( 'evaluate', put( 'gone_too', "ham none.eml\nham ham.eml\n" ) ) )[0], 2, 'evaluate: a message that is not there' );
like( ( poterne( 'rules', 'frob' ) )[1], qr/there is no `rules frob`.*--help/s, 'what is no subcommand' );
done_testing();
