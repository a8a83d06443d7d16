#!/usr/bin/perl
# The first day: what is there is learned, by processes side by side, is useful soon, can be stopped
# and gone on with; and whom the own users write to counts for ham.
use strict;
use warnings;

use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Test::More;
use lib 't/lib';
use Poterne::Gateway;
use Poterne::Process qw(command_output wait_until);

my $root = tempdir( 'poterne-learn-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $jean    = 'jean@first.example';
my $gateway = Poterne::Gateway->new(
    root    => "$root/gateway",
    domains => {
        'first.example' => { next_hop => Poterne::Gateway::maildir_hop("$root/gateway"), recipients => [$jean] }
    }
)->start;

sub write_mail {
    my ( $name, $text ) = @_;
    my ($folder) = "$root/$name" =~ m{^(.*)/};
    make_path($folder);
    Poterne::Gateway::write_file( "$root/$name", $text );
    return "$root/$name";
}

# --- synthetic mail: words of its own kind, among others that both have ---

srand 11;
my @common = map { word() } 1 .. 400;
my %own    = map {
    $_ => [ map { word() } 1 .. 300 ]
} qw(ham spam);

sub word {
    return join '', map { chr( 97 + int rand 26 ) } 1 .. 4 + int rand 6;
}

sub words {
    my ( $class, $n ) = @_;
    my @own = @{ $own{$class} };
    return join ' ', map { rand() < 0.35 ? $own[ rand @own ] : $common[ rand @common ] } 1 .. $n;
}

my $number = 0;

sub mail {
    my ( $class, %also ) = @_;
    $number++;
    my $from = $also{from} // sprintf '%s@%s.example', word(), word();
    my $text = sprintf "From: %s\nTo: %s\nSubject: %s\nMessage-ID: <%d.%s\@%s.example>\n"
        . "Date: Mon, 6 Jul 2026 10:%02d:00 +0200\n", $from, $also{to} // $jean, words( $class, 4 ), $number,
        word(), word(), $number % 60;
    $text .= "$_\n" for @{ $also{fields} // [] };
    return $text . "\n" . join( "\n", map { words( $class, 9 ) } 1 .. 8 ) . "\n";
}

sub mailbox {
    return join '', map { "From a\@b Thu Aug 22 12:36:23 2002\n$_\n" } @_;
}

# --- useful from 50 messages on ---

write_mail( "few/ham/$_.eml",  mail('ham') )  for 1 .. 25;
write_mail( "few/spam/$_.eml", mail('spam') ) for 1 .. 25;
my ( $status, $said );
for my $class (qw(ham spam)) {
    ( $status, $said ) = $gateway->poterne( 'learn', "--$class", "$root/few/$class" );
    is( $status, 0, "a few of $class are learned" ) or diag($said);
}
my %wrong;
for my $class (qw(ham spam)) {
    my @files = map { write_mail( "new/$class-$_.eml", mail($class) ) } 1 .. 50;
    for my $said ( $gateway->poterne_json( 'check', '--no-antivirus', @files ) ) {
        $wrong{$class} += ( $said->{score}{bayes} < 0 ? 'spam' : 'ham' ) ne $class;
    }
}
is( $wrong{ham}, 0, 'after 50 messages pass 2 takes no ham for spam' );
cmp_ok( $wrong{spam}, '<=', 2, 'and nearly all spam for spam' );

# --- ham and spam in one run, in turns ---

my @both = ( '--ham', write_mail( 'both/ham', mailbox( map { mail('ham') } 1 .. 120 ) ), '--spam', "$root/both/spam" );
write_mail( "both/spam/$_.eml", mail('spam') ) for 1 .. 60;
my ($both) = $gateway->poterne_json( 'learn', @both );
is( "$both->{class} $both->{done} $both->{failed}", 'both 180 0', 'ham and spam are learned in one run' );
is( $both->{total}{ham} + $both->{total}{spam} + $both->{held}, 230, 'each once' );
( $status, $said ) = $gateway->poterne( 'learn', @both );
like( $said, qr/^0 learned \(0 as ham, 0 as spam\), 180 known before/, 'and known afterwards' );
( $status, $said ) = $gateway->poterne( 'learn', '--spam', $both[1], '--ham', $both[3] );
like( $said, qr/^180 learned \(60 as ham, 120 as spam\), 0 known before/, 'what stands behind which says what it is' );
( $status, $said ) = $gateway->poterne( 'learn', @both );
like( $said, qr/^180 learned \(120 as ham, 60 as spam\)/, 'and is moved back' );
( $status, $said ) = $gateway->poterne( 'learn', $both[1], '--ham', '--spam', $both[3] );
is( $status, 2, 'a name before both is refused' );
( $status, $said ) = $gateway->poterne( 'learn', '--forget', @both[ 1, 3 ] );
like( $said, qr/^180 taken back/, 'all of it is taken back' );

# --- sent mail ---

my $sent = mail( 'ham', from => $jean, to => 'friend@univ.example', fields => ['Cc: claire@first.example'] );
my ($id) = $sent =~ /^Message-ID: (<.*>)/m;
make_path( map { ( "$root/Maildir/$_/cur", "$root/Maildir/$_/new" ) } '.', '.Sent' );
write_mail( 'Maildir/.Sent/cur/1:2,S', $sent );
write_mail( 'Maildir/.Sent/cur/2:2,S',
    mail( 'ham', from => $jean, to => 'spammer@spam.example', fields => ['Auto-Submitted: auto-replied'] ) );
write_mail( 'Maildir/cur/3:2,S', mail( 'ham', from => $jean, to => 'forged@spam.example' ) );
my ($noted) = $gateway->poterne_json( 'learn', '--sent', "$root/Maildir" );
is( "$noted->{class} $noted->{done} $noted->{passed} $noted->{failed}",
    'sent 1 1 0', 'of sent mail, what a person wrote is noted' );
( $status, $said ) = $gateway->poterne( 'learn', '--sent', "$root/Maildir" );
like( $said, qr/^0 new of sent mail, 1 known before, 1 not by own users, or automatic/, 'once' );

# The model learns what it is worth: from mail that is told to be ham …
my @inbox = (
    ( map { mail( 'spam', from => 'friend@univ.example' ) } 1 .. 6 ),
    ( map { mail( 'spam', fields => ["In-Reply-To: $id"] ) } 1 .. 6 ),
    mail( 'ham', from => 'stranger@else.example' ),
);
my ($known) = $gateway->poterne_json( 'learn', '--ham', '--known', write_mail( 'inbox', mailbox(@inbox) ) );
is( "$known->{done} $known->{passed}", '12 1', 'answers and mail from correspondents can be learned from any mailbox' );

# … so that an answer is less of a spam than the same without.
my $answer = mail( 'spam', fields => ["References: <x\@y.example> $id"] );
my $stranger = $answer =~ s/^References: .*\n//mr;
my ( $with, $without ) =
    $gateway->poterne_json( 'check', '--no-antivirus', write_mail( 'answer.eml', $answer ), write_mail( 'stranger.eml', $stranger ) );
my %named = map { $_->{text} => $_ } @{ $with->{bayes}{tokens} };
ok( $named{'known:reply'}, 'an answer is known' );
cmp_ok( $with->{score}{bayes}, '>', $without->{score}{bayes}, 'which counts for ham' );
cmp_ok( $with->{score}{bayes}, '<', 8, 'and is no pass' );

# The running gateway takes the new model up in a moment.
my $answer_sent = $answer =~ s/\n/\r\n/gr;

sub is_known_by_gateway {
    my $result = $gateway->send_one( from => 'x@else.example', to => [$jean], data => \$answer_sent );
    my ($queued) = $result->{text} =~ /\b([0-9A-Z]{26})\b/;
    return wait_until( 2, sub { ( $gateway->poterne( 'trace', '--json', $queued ) )[1] =~ /known:reply/ } );
}
my $trace = wait_until( 30, \&is_known_by_gateway );
ok( $trace, 'the running gateway knows it, too' );

( $status, $said ) = $gateway->poterne( 'learn', '--spam', '--known', "$root/inbox" );
is( $status, 2, 'who is known is no word for spam' );

# --- a large mailbox: stopped, gone on with, and again ---

my $total = 4000;
my $large = write_mail( 'large', mailbox( map { mail('ham') } 1 .. $total ) );
my $child = fork // die "cannot fork: $!";
if ( !$child ) {
    open STDOUT, '>', "$root/said" or die $!;
    open STDERR, '>&', \*STDOUT or die $!;
    exec "$gateway->{build}/poterne", 'learn', '--config', $gateway->{conf}, '--ham', $large;
}
wait_until( 30, sub { ( $gateway->poterne_json( 'learn', '--forget', '/dev/null' ) )[0]{total}{ham} > 200 } );
kill 'INT', $child;
waitpid $child, 0;
is( $? >> 8, 2, 'a run that is stopped says so with its status' );
open my $handle, '<', "$root/said" or die $!;
$said = do { local $/ = undef; <$handle> };
close $handle;
my ($done) = $said =~ /^(\d+) learned as ham/;
like( $said, qr/^stopped; the same command goes on/m, 'and what to do' );
cmp_ok( $done, '>', 200, 'what was learned' );
cmp_ok( $done, '<', $total, 'is not all' );
my ($again) = $gateway->poterne_json( 'learn', '--ham', $large );
cmp_ok( $again->{known}, '>=', $done, 'the next run skips what is known' );
is( $again->{known} + $again->{done}, $total, 'and learns the rest' );
open $handle, '>>', $large or die $!;
print {$handle} mailbox( mail('ham') );
close $handle;
($again) = $gateway->poterne_json( 'learn', '--ham', $large );
is( "$again->{done} $again->{known}", "1 $total", 'of a mailbox that has grown, what is new is learned' );

$gateway->stop;
done_testing();
