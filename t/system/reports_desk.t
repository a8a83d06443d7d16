#!/usr/bin/perl
# What managers do on the command line with what was reported: poterne reports, beside a running
# gateway and without one.
use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;
use lib 't/lib';
use Poterne::Gateway;
use Poterne::Mail qw(letter);
use Poterne::Process qw(command_output wait_until);

my $domain = 'desk.example';
my ( $jean, $claire, $chef, $wrong ) = map { "$_\@$domain" } qw(jean claire chef spam);
my $root = tempdir( 'poterne-desk-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $gateway = Poterne::Gateway->new(
    root     => "$root/gateway",
    settings => {
        ''      => { managers => "{ $chef }" },
        queue   => { retry_first => '1s', retry_max => '5s' },
        reports => { spam     => $wrong, digest => 'no', trusted => '{ 127.0.0.1 }' },
    },
    domains => {
        $domain => {
            next_hop   => Poterne::Gateway::maildir_hop("$root/gateway"),
            recipients => [ $jean, $claire, $chef ]
        }
    }
);

my ( $status, $said ) = $gateway->poterne('reports');
is( $status, 1, 'before anything was reported: 1' );
is( $said, "nothing was reported yet\n", 'and it says so' );
( $status, $said ) = $gateway->poterne( 'reports', 'accept', 1 );
is( $status, 2, 'nothing can be accepted' );
like( $said, qr/nothing was reported yet/, 'and why' );

$gateway->start;

# As mail programs forward as an attachment.
sub report {
    my ( $from, @originals ) = @_;
    my $mail = "From: <$from>\r\nTo: <$wrong>\r\nSubject: spam\r\nMIME-Version: 1.0\r\n"
        . "Message-ID: <" . rand() . "\@$domain>\r\nContent-Type: multipart/mixed; boundary=xyz\r\n\r\n";
    $mail .= "--xyz\r\nContent-Type: message/rfc822\r\n\r\n" . ( $_ =~ s/\r?\n/\r\n/gr ) . "\r\n" for @originals;
    my $smtp = $gateway->smtp;
    my $reply = $smtp->send( from => $from, to => [$wrong], data => \"$mail--xyz--\r\n" );
    $smtp->quit;
    return $reply;
}

sub listed { return $gateway->poterne_json( 'reports', 'list', @_ ) }

my $body = "cheap pills and a casino bonus, only today, click here to win the jackpot of millions\n";
my @wave = map { letter( $jean, "Offer $_", "Dear customer $_,\n$body" ) } 1 .. 5;
my $other = letter( $jean, "\e[31mred\x07 \xe2\x80\xae", "Another text altogether, about nothing in particular, with words.\n" );
report( $jean, @wave );
report( $claire, $wave[0], $other );
ok( wait_until( 20, sub { listed('--each') == 6 } ), 'six messages wait' );

my @groups = listed();
is( scalar @groups, 2, 'the wave is one line' ) or diag( explain( \@groups ) );
my ($wave) = grep { $_->{messages} == 5 } @groups;
is( $wave->{reporters}, 2, 'of two reporters' );
is( $wave->{as}, 'spam', 'as spam' );
is( $wave->{identity}, 'unknown', 'whose originals never passed here' );
my ($single) = grep { $_->{messages} == 1 } @groups;
is( scalar listed( '--by', $claire, '--each' ), 2, 'what one reporter reported' );
is( scalar listed('--ham'), 0, 'nothing was reported as ham' );
is( scalar listed( '--since', '2099-01-01' ), 0, 'nor in the future' );

( $status, $said ) = $gateway->poterne('reports');
is( $status, 0, 'reports: lists' );
my @long = grep { length > 100 } map { my $line = $_; utf8::decode($line); $line } split /\n/, $said;
is( scalar @long, 0, 'in 100 columns' ) or diag(@long);
like( $said, qr/^\s*$wave->{number}\s+5\s+spam\s+waiting\s+unknown/m, 'with number, count, direction, state' );
unlike( $said, qr/[\e\x07]|\xe2\x80\xae/, 'and no byte that steers a terminal' );

( $status, $said ) = $gateway->poterne( 'reports', 'show', $single->{number} );
is( $status, 0, 'reports show' ) or diag($said);
unlike( $said, qr/[\e\x07]|\xe2\x80\xae/, 'is safe, too' );
like( $said, qr/reported by $claire/, 'tells who reported it' );
like( $said, qr/bayes now\s+nothing was learned yet/, 'what the model says' );
like( $said, qr/^structure\n.*^text\n.*Another text altogether/ms, 'structure and text' );
( $status, $said ) = $gateway->poterne( 'reports', 'show', '--message', $single->{number} );
like( $said, qr/^Subject: \e\[31mred/m, 'with --message the message itself' );
( $status, $said ) = $gateway->poterne( 'reports', 'show', 99 );
is( $status, 1, 'a number that does not exist: 1' );

# --- deciding, beside the gateway ---

my @mistakes = ( ['accept'], [ 'accept', 'x' ], [ 'accept', '5-3' ], [ 'accept', 0 ], ['show'], ['nonsense'],
    [ 'list', '--state', 'lost' ], [ 'list', '--since', 'soon' ], [ 'accept', 1, '--by', $jean ] );
for my $words (@mistakes) {
    ( $status, $said ) = $gateway->poterne( 'reports', @$words );
    is( $status, 2, "reports @$words: 2" );
    like( $said, qr/^poterne reports: /, 'and why' );
}
( $status, $said ) = $gateway->poterne( 'reports', 'reject', $single->{number}, '--why', 'a colleague' );
is( $status, 0, 'reports reject' ) or diag($said);
like( $said, qr/^1 rejected$/m, 'says what was done' );
my ($rejected) = listed( '--state', 'rejected' );
is( $rejected->{number}, $single->{number}, 'it is rejected' );
like( $rejected->{decided}{by}, qr/on the command line/, 'by somebody' );
is( $rejected->{decided}{why}, 'a colleague', 'for a reason' );

my ($decided) = $gateway->poterne_json( 'reports', 'accept', $wave->{number}, '--group' );
is( $decided->{changed}, 5, 'the wave is accepted at once' );
ok( $decided->{gateway}, 'by the gateway' );
ok( wait_until( 30, sub { listed( '--state', 'learned', '--each' ) == 5 } ), 'and learned' )
    or diag( explain( [ listed( '--all', '--each' ) ] ) );
my ($jeans) = $gateway->poterne_json( 'reports', 'reporters', '--by', $jean );
is( $jeans->{agreed}, 1, 'a wave is one decision in the record of its reporter' );
is( $jeans->{proposals}, 5, 'of five messages' );
( $status, $said ) = $gateway->poterne( 'reports', 'reporters' );
like( $said, qr/^$claire\s+2\s+0\s+1\s+1\s/m, 'reports reporters: what was accepted and rejected' );

# --- many at once, and the process killed amid ---

# Of words of its own.
sub large {
    my ($n) = @_;
    my @words = map { join '', map { chr ord('a') + int rand 26 } 1 .. 8 } 1 .. 30;
    return letter( $jean, "Large $n", "@words\n" );
}

my ($before) = sort { $b <=> $a } map { $_->{number} + 1 } listed( '--all', '--each' );
report( $jean, map { large($_) } 1 .. 80 );
report( $claire, map { large($_) } 81 .. 160 );
ok( wait_until( 60, sub { listed( '--each', '--limit', 1000 ) == 160 } ), 'many wait' );
my $accepting = fork // die "fork: $!\n";
if ( !$accepting ) {
    open STDOUT, '>', "$root/accepted" or die "$!\n";
    open STDERR, '>&', \*STDOUT or die "$!\n";
    exec "$gateway->{build}/poterne", 'reports', '--config', $gateway->{conf}, 'accept', "$before-1000";
}
my $orders = "$root/gateway/state/reports/orders";
ok( wait_until( 20, sub { my @files = glob "$orders/*.order"; @files > 0 } ), 'the decision is on disk' );
is( $gateway->signal_role( 'KILL', 'reports' ), 1, 'poterne-reports is killed' );
waitpid $accepting, 0;
my $told = do { local ( @ARGV, $/ ) = "$root/accepted"; <> };
like( $told, qr/the decision is kept|^160 accepted/m, 'the command says that the decision is kept' );
ok( wait_until( 30, sub { listed('--each') == 0 } ), 'all of it is carried out all the same' );
my @files = glob "$orders/*.order";
is( scalar @files, 0, 'and done with' );
my %states;
$states{ $_->{state} }++ for grep { $_->{number} >= $before } listed( '--all', '--each', '--limit', 1000 );
is( ( $states{accepted} // 0 ) + ( $states{capped} // 0 ) + ( $states{learned} // 0 ), 160, 'each of them' )
    or diag( explain( \%states ) );
($decided) = $gateway->poterne_json( 'reports', 'reject', "$before-1000" );
is( $decided->{changed}, 0, 'a range means what waits' );

# --- with a learner that does not answer ---

$gateway->signal_role( 'STOP', 'learner' );
report( $chef, large(170) );
report( $claire, large(171) );
ok( wait_until( 8, sub { listed('--each') == 1 } ), 'a report waits for a manager while another waits for the learner' );
$gateway->signal_role( 'CONT', 'learner' );
ok( wait_until( 60, sub { !grep { /deferred|owed/ } ( $gateway->poterne('queue') )[1] } ), 'which is learned in the end' )
    or diag( $gateway->poterne('queue') );
$gateway->poterne( 'reports', 'reject', '1-1000' );

# --- without it ---

is( $gateway->stop, 0, 'the gateway stops' );
($decided) = $gateway->poterne_json( 'reports', 'accept', $single->{number} );
is( $decided->{changed}, 1, 'what was rejected can be accepted' );
ok( !$decided->{gateway}, 'without a gateway' );
is( ( grep { $_->{number} == $single->{number} } listed( '--state', 'learned', '--each', '--limit', 1000 ) ),
    1, 'and is learned at once' ) or diag( explain( [ listed( '--all', '--each' ) ] ) );
$gateway->start;
report( $claire, letter( $jean, 'One more', "words that nobody has seen before in this small test\n" ) );
ok( wait_until( 20, sub { listed() == 1 } ), 'the gateway can still write what the command wrote' );
is( $gateway->stop, 0, 'the gateway stops' );
done_testing();
