#!/usr/bin/perl
# The witness that the tests of deaths and power cuts believe (Poterne::Witness): what it says of a message that comes
# twice, also where the first copy is read after the second, since its server had no turn until then.
use strict;
use warnings;

use File::Temp qw(tempdir);
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(sleep);
use lib 't/lib';
use Poterne::Gateway;
use Poterne::Process qw(wait_until);
use Poterne::Witness;

my $root = tempdir( 'poterne-witness-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
my $witness = Poterne::Witness->start( root => $root );

sub say_all {
    my ( $peer, @lines ) = @_;
    for my $line (@lines) {
        print {$peer} "$line\r\n";
        my $answer;
        do { $answer = <$peer> } while defined $answer && $answer =~ /^\d+-/;
    }
    return;
}

# A session that waits for its message.
sub session {
    my $peer = IO::Socket::INET->new( PeerAddr => '127.0.0.1', PeerPort => $witness->{port} ) or die "$@\n";
    <$peer>;
    say_all( $peer, 'EHLO t', 'MAIL FROM:<a@t>', 'RCPT TO:<b@t>', 'DATA' );
    return $peer;
}

sub message {
    my ($number) = @_;
    return "X-Sequence: $number\r\n\r\nbody\r\n.";
}

sub copies_of {
    my ($number) = @_;
    return join ' ', map { $_->{heard} ? 'heard' : 'unheard' } @{ $witness->kept->{$number} // [] };
}

my $first = session();
say_all( $first, message('once'), 'QUIT' );
is( copies_of('once'), 'heard', 'who goes on has read the 250' );

$first = session();
my ($server) = map { @$_ } values %{ Poterne::Gateway::processes_below( $witness->{pid} ) };
kill 'STOP', $server;
print {$first} message('twice'), "\r\n";
close $first;
sleep 0.1;
my $second = session();
say_all( $second, message('twice'), 'QUIT' );
is( copies_of('twice'), 'heard', 'the second copy is read first' );
kill 'CONT', $server;
ok( wait_until( 10, sub { copies_of('twice') eq 'unheard heard' } ), '… and comes second, nevertheless' ) or diag( copies_of('twice') );

# Two sessions of one process, as when the number of an ended one is given again.
my $listener = IO::Socket::INET->new( LocalAddr => '127.0.0.1', Listen => 2 ) or die "$@\n";
for my $last ( '', "QUIT\r\n" ) {
    my $peer = IO::Socket::INET->new( PeerAddr => '127.0.0.1', PeerPort => $listener->sockport ) or die "$@\n";
    print {$peer} map {"$_\r\n"} 'EHLO t', 'MAIL FROM:<a@t>', 'RCPT TO:<b@t>', 'DATA', message('reused');
    print {$peer} $last;
    shutdown $peer, 1;
    $witness->serve( scalar $listener->accept );
}
is( copies_of('reused'), 'unheard heard', 'who has gone is not heard by the word of another' );

for ( 1 .. 2 ) {
    my $peer = session();
    say_all( $peer, message('again'), 'QUIT' );
}
is( copies_of('again'), 'heard heard', 'what came again after the 250 was read is seen' );

$witness->stop;
done_testing();
