#!/usr/bin/perl
# An antivirus worker is killed, hangs or runs out of memory somewhere in the middle of a scan: the message is taken
# after all or deferred, never lost, and no virus passes. The same content doing so twice is held as unscannable.
use strict;
use warnings;

use File::Temp qw(tempdir);
use IO::Compress::Zip qw(zip $ZipError);
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);
use lib 't/lib';
use Poterne::Gateway;
use Poterne::Mail qw(letter);
use Poterne::Process qw(wait_until);

use constant {
    ROUNDS    => $ENV{POTERNE_TEST_ALL} ? 200 : 20,
    ZEROS     => 60_000_000,    # so that a scan takes some time
    MEMORY    => 8_000_000,     # bytes that a worker short of memory has left
    WORKERS   => 2,
    SCAN_TIME => 5,             # seconds; a hung scan is given up after it
};

my $to = 'jean@kill.example';
my $root = tempdir( 'poterne-avkill-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $gateway = Poterne::Gateway->new(
    root     => $root,
    settings => {
        smtp      => { scan_timeout => SCAN_TIME . 's' },
        content   => { timeout => '4s' },
        antivirus => { timeout => '4s', workers => WORKERS, unscannable => 'quarantine' },
        queue     => { retry_first => '1s', retry_max => '2s' },
    },
    domains => { 'kill.example' => { next_hop => Poterne::Gateway::maildir_hop($root), recipients => [$to] } }
)->start;

my $eicar = 'X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD' . '-ANTIVIRUS-TEST-FILE!$H+H*';

# A file that takes long to scan, and behind it another in the same archive.
sub archive {
    my ($bytes) = @_;
    my $zip = IO::Compress::Zip->new( \my $out, Name => 'zeros' ) or die "zip: $ZipError\n";
    $zip->print( "\0" x ZEROS );
    $zip->newStream( Name => 'last.com' );
    $zip->print($bytes);
    $zip->close;
    return encode_base64($out);
}
my %archive = ( virus => archive($eicar), clean => archive("a letter like any other\n") );

my $n = 0;

sub message {
    my ($kind) = @_;
    $n++;
    return "From: a\@remote.example\nTo: $to\nSubject: $kind $n\nX-Sequence: $kind-$n\nMIME-Version: 1.0\n"
        . "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nnumber $n of $$\n"
        . "--b\nContent-Type: application/zip\nContent-Transfer-Encoding: base64\n\n$archive{$kind}--b--\n";
}

sub send_mail {
    my ($message) = @_;
    return $gateway->send_one( from => 'a@remote.example', to => [$to], data => \$message );
}

# Of a message in quarantine.
sub sequence {
    my ($id) = @_;
    open my $file, '<:raw', "$root/state/quarantine/$id" or die "$id: $!\n";
    my ($sequence) = map {/^X-Sequence: (\S+)/} <$file>;
    return $sequence;
}

# The leader is the first of them.
sub workers {
    my ( undef, @workers ) = @{ $gateway->processes->{antivirus} // [] };
    return @workers;
}

sub all_there {
    return wait_until( 30, sub { workers() == WORKERS } );
}

sub short_of_memory {
    for my $pid (@_) {
        open my $file, '<', "/proc/$pid/statm" or next;
        my ($pages) = split q( ), readline $file;
        my $bytes = $pages * POSIX::sysconf( POSIX::_SC_PAGESIZE() ) + MEMORY;
        open my $status, '<', "/proc/$pid/status" or next;
        my %id = map { /^([UG]id):\s+(\d+)/ } <$status>;
        my @as = $> == 0 ? ( 'setpriv', "--reuid=$id{Uid}", "--regid=$id{Gid}", '--clear-groups' ) : ();
        system @as, 'prlimit', "--pid=$pid", "--as=$bytes";
    }
    return;
}

my %harm = (
    killed => sub { kill 'KILL', @_ },
    hung   => sub { kill 'STOP', @_ },
    memory => \&short_of_memory,
);

# Sends it while harm is done to the workers after so many seconds; the answer.
sub send_while {
    my ( $harm, $delay, $message ) = @_;
    all_there() or die "the workers don't come back\n";
    my @workers = workers();
    $harm{memory}->(@workers) if $harm eq 'memory';
    my $pid = fork // die "fork: $!\n";
    if ( !$pid ) {
        sleep $delay;
        $harm{$harm}->(@workers) if $harm ne 'memory';
        POSIX::_exit(0);
    }
    my $result = send_mail($message);
    waitpid $pid, 0;
    kill 'KILL', @workers;    # what is stopped or has a limit of its own serves no more
    return $result;
}

my $begun = time;
is( send_mail( message('clean') )->{code}, 250, 'a slow letter is taken' );
my $scan = time - $begun;
is( send_mail( message('virus') )->{code}, 250, 'a virus is found behind what is slow' );
is( scalar( grep { sequence($_) =~ /^virus/ } $gateway->spooled('quarantine') ), 1, 'and held' );

# { harm => { code => how often } }
my ( %answers, @deferred, @odd );
my %taken = ( 'clean-1' => 1, 'virus-2' => 1 );
srand 11;
for my $round ( 1 .. ROUNDS ) {
    my $harm = $round % 7 == 0 ? 'hung' : $round % 3 ? 'killed' : 'memory';
    my $kind = $round % 2 ? 'virus' : 'clean';
    my $message = message($kind);
    my $result = send_while( $harm, rand $scan, $message );
    $answers{$harm}{ $result->{code} }++;
    push @odd, "$harm: $result->{code} $result->{text}" if $result->{code} !~ /^(?:250|4\d\d)$/;
    $taken{"$kind-$n"} = 1 if $result->{code} == 250;
    push @deferred, [ "$kind-$n", $message ] if $result->{code} =~ /^4/;
}
is( scalar @odd, 0, ROUNDS . ' times: taken or deferred' ) or diag( map {"$_\n"} @odd );
diag( "$_: " . join ', ', %{ $answers{$_} } )
    for sort keys %answers;
cmp_ok( scalar @deferred, '>', ROUNDS / 10, scalar(@deferred) . ' were deferred' );

# What was deferred comes again.
all_there();
for my $again (@deferred) {
    my ( $sequence, $message ) = @{$again};
    my $result = send_mail($message);
    is( $result->{code}, 250, "$sequence: taken when it comes again" ) or diag( $result->{text} );
    $taken{$sequence} = 1;
}
ok( $gateway->wait_for_empty_queue, 'the queue gets empty' );
my %delivered;
$delivered{$_}++ for map { /^X-Sequence: (\S+)/m } $gateway->maildir_messages($to);
is( scalar( grep {/^virus/} keys %delivered ), 0, 'no virus was delivered' ) or diag( join ' ', sort keys %delivered );
is( scalar( grep { $delivered{$_} > 1 } keys %delivered ), 0, 'nothing twice' );
my $clean = grep { /^clean/ && $taken{$_} } keys %taken;
my $came = grep { /^clean/ && $taken{$_} } keys %delivered;
my $viruses = grep {/^virus/} keys %taken;
my $held = $gateway->spooled('quarantine');
is( $came + $held, $clean + $viruses, "each of $clean letters and $viruses viruses is delivered or held" );

# On a busy machine a letter may take longer than antivirus.timeout, and what a worker with no memory left
# says of it may be that it can't be unpacked: held then, with a reason.
my %reason = map {
    $_->{id} => join ' ', "$_->{class}:", map {"$_->{engine} $_->{result} $_->{name}"} @{ $_->{answers} // [] }
} $gateway->poterne_json( 'quarantine', 'list', '--limit', 10 * ROUNDS );
my @held_letters = grep { sequence($_) =~ /^clean/ } $gateway->spooled('quarantine');
is( scalar( grep { $reason{$_} !~ /^unscannable: \w/ } @held_letters ), 0, 'a letter that is held could not be looked at' );
diag( sequence($_) . ": $reason{$_}" ) for @held_letters;
is( $came + @held_letters, $clean, 'the other letters are delivered' );

subtest 'the same content again' => sub {
    my $message = message('clean');
    for my $time ( 1, 2 ) {
        my $result;
        for my $try ( 1 .. 10 ) {
            $result = send_while( 'killed', $scan / 3, $message );
            last if $result->{code} != 250 || $time > 1;
            $message = message('clean');
        }
        is( $result->{code}, 451, 'the first time it is deferred' ) if $time == 1;
        is( $result->{code}, 250, 'the second time it is held' ) if $time == 2;
        all_there();
        is( send_mail( letter($to) )->{code}, 250, 'others are scanned' );
    }
    my ($held) = sort { $b->{id} cmp $a->{id} } $gateway->poterne_json( 'quarantine', 'list', '--limit', 10 * ROUNDS );
    like( JSON::PP->new->encode( $held // {} ), qr/died of it more than once/, 'and the reason is told' );
    my $from = $gateway->spooled('quarantine');
    is( send_mail($message)->{code}, 250, 'when it comes again it is not scanned any more' );
    is( scalar $gateway->spooled('quarantine'), $from + 1, 'but held' );
};

is( $gateway->stop, 0, 'the gateway stops as asked' );
done_testing();
