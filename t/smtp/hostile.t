#!/usr/bin/perl
# Clients as nobody wants them: each script with the codes that it must get, then all of them at once
# beside a client that behaves, which must not feel it. Nothing is left behind: no descriptor, no
# memory, no file.
use strict;
use warnings;

use File::Temp qw(tempdir);
use IO::Select;
use List::Util qw(shuffle);
use POSIX ();
use Socket qw(SOL_SOCKET SO_LINGER);
use Test::More;
use Time::HiRes qw(time sleep);
use lib 't/lib';
use Poterne::Process qw(command_output wait_until);
use Poterne::World;

my $hard = `sh -c 'ulimit -Hn'`;
my $files = $hard =~ /(\d+)/ ? $1 : 1_000_000;

# Perl can't raise its own limit: a shell does it for this script's second life.
if ( !$ENV{POTERNE_HOSTILE_LIMIT} ) {
    $ENV{POTERNE_HOSTILE_LIMIT} = 1;
    exec 'sh', '-c', 'ulimit -n "$(ulimit -Hn)" 2>/dev/null; exec "$@"', 'sh', $^X, '-It/lib', $0;
}
$SIG{PIPE} = 'IGNORE';

my $folder = tempdir( CLEANUP => 1 );
chmod 0755, $folder;
my ($no_tls) = command_output(
    qw(/usr/bin/openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=mx.ours.example),
    '-keyout', "$folder/key.pem", '-out', "$folder/cert.pem"
);
chmod 0644, "$folder/key.pem";
my $tls = $no_tls ? '' : qq(; tls_certificate = "$folder/cert.pem"; tls_key = "$folder/key.pem");

# --- the scripts: name => [bytes, codes] ---

my $ehlo = "EHLO c.example\r\n";
my $mail = "MAIL FROM:<a\@b.example>\r\n";
my $rcpt = "RCPT TO:<jean\@ours.example>\r\n";
my $open = "$ehlo$mail$rcpt";
my $data = "${open}DATA\r\n";
my $quit = "QUIT\r\n";

sub lines { return join '', map {"$_\r\n"} @_ }
sub chunk { my ( $bytes, $last ) = @_; return 'BDAT ' . length($bytes) . ( $last ? ' LAST' : '' ) . "\r\n$bytes" }
my $v2 = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" . pack 'NNnn', 1, 2, 3, 4;

my @scripts = (

    # not the language
    'words that are no commands'          => [ "BOGUS\r\n" x 50,                                '220 500x20 421' ],
    'empty lines'                         => [ "\r\n" x 5 . $quit,                              '220 500x5 221' ],
    'a browser'                           => [ "GET / HTTP/1.1\r\nHost: x\r\n\r\n$open",        '220 521' ],
    'a form'                              => [ "POST / HTTP/1.0\r\n\r\n$data",                  '220 521' ],
    'a proxy that is looked for'          => [ "CONNECT x:25 HTTP/1.0\r\n\r\n",                 '220 521' ],
    'TLS where none was asked for'        => [ "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n", '220 521' ],
    'bytes above 127 for a verb'          => [ "\xff\xfe\xfd\r\n$quit",                         '220 500 221' ],
    'a tab for a blank'                   => [ "${ehlo}MAIL\tFROM:<a\@b.example>\r\n$quit",     '220 250 500 221' ],
    'a NUL in a command'                  => [ "EHLO c\0.example\r\n$mail",                     '220 521' ],
    'LF alone'                            => [ "EHLO c.example\nMAIL FROM:<>\n",                '220 521' ],
    'CR alone'                            => [ "EHLO c.example\rMAIL FROM:<>\r\n",              '220 521' ],
    'a line of a megabyte'                => [ 'x' x 1_000_000 . "\r\n$quit",                   '220 500 221' ],
    'a line one byte too long'            => [ 'NOOP ' . 'x' x 2042 . "\r\n$quit",              '220 500 221' ],
    'a line without an end'               => [ 'x' x 3_000_000,                                 '220', 'half-close' ],
    'arguments where there are none'      => [ "${open}DATA now\r\nRSET all\r\nQUIT please\r\n$quit", '220 250x3 501x3 221' ],

    # out of order
    'MAIL first'                          => [ "$mail$rcpt${\ 'DATA'}\r\n$quit",                '220 503x3 221' ],
    'RCPT and DATA without MAIL'          => [ "$ehlo${rcpt}DATA\r\n$quit",                     '220 250 503x2 221' ],
    'MAIL in MAIL'                        => [ "$ehlo$mail$mail$quit",                          '220 250x2 503 221' ],
    'DATA for nobody'                     => [ "$ehlo${mail}DATA\r\n$quit",                     '220 250x2 554 221' ],
    'a recipient from before RSET'        => [ "${open}RSET\r\nDATA\r\n$mail${\ 'DATA'}\r\n$quit", '220 250x4 503 250 554 221' ],
    'a recipient from before EHLO'        => [ "$open${ehlo}DATA\r\n$quit",                     '220 250x4 503 221' ],
    'RSET within a message'               => [ "${data}RSET\r\nQUIT\r\n.\r\n$quit",             '220 250x3 354 250 221' ],

    # names and addresses
    'HELO without a name'                 => [ "HELO\r\nEHLO \r\nHELO \x01\r\nEHLO a(b\r\n$quit", '220 501x4 221' ],
    'senders that are none'               => [
        $ehlo . lines( map {"MAIL FROM:$_"} 'a@b.example', '<a@b.example', '<<a@b.example>>', '<a b@c.example>', '<a@b..example>', '<@>', '<a@>' ) . $quit,
        '220 250 501x7 221' ],
    'recipients that are none'            => [
        "$ehlo$mail" . lines( map {"RCPT TO:$_"} '<>', '<jean>', 'jean@ours.example', '<jean@other.example@ours.example>', '<' . 'x' x 900 . '@ours.example>' ) . $quit,
        '220 250x2 501x5 221' ],
    'relaying in all its forms'           => [
        "$ehlo$mail" . lines( map {"RCPT TO:<$_>"} 'x@other.example', 'x%other.example@else.example', '@ours.example:x@other.example', '"x@ours.example"@other.example' ) . $quit,
        '220 250x2 550x4 221' ],
    'a route is not followed'             => [ "$ehlo${mail}RCPT TO:<\@other.example:jean\@ours.example>\r\n$quit", '220 250x3 221' ],
    'UTF-8 without SMTPUTF8'              => [ "${ehlo}MAIL FROM:<\xc3\xa9\@b.example>\r\n${mail}RCPT TO:<\xc3\xa9\@ours.example>\r\n$quit", '220 250 553 250 553 221' ],
    'bytes that are no UTF-8'             => [ "${ehlo}MAIL FROM:<\xff\xfe\@b.example> SMTPUTF8\r\n$quit", '220 250 501 221' ],
    'parameters that nobody knows'        => [ "${ehlo}MAIL FROM:<> FOO=BAR\r\nMAIL FROM:<> =\r\nMAIL FROM:<> BODY=BINARYMIME\r\n${mail}RCPT TO:<jean\@ours.example> NOTIFY=NEVER\r\n$quit",
        '220 250 555 501x2 250 555 221' ],
    'parameters after HELO'               => [ "HELO c.example\r\nMAIL FROM:<> SIZE=1\r\n$quit", '220 250 555 221' ],

    # sizes
    'SIZE that is none'                   => [ $ehlo . lines( map {"MAIL FROM:<> $_"} 'SIZE=x', 'SIZE=-1', 'SIZE', 'SIZE=1 SIZE=1', 'SIZE=' ) . $quit, '220 250 501x5 221' ],
    'SIZE beyond all numbers'             => [ "${ehlo}MAIL FROM:<> SIZE=99999999999999999999\r\n$quit", '220 250 552 221' ],
    'a SIZE that was too small'           => [ "${ehlo}MAIL FROM:<> SIZE=1\r\n${rcpt}DATA\r\n" . 'x' x 900 . "\r\n.\r\n$quit", '220 250x3 354 250 221' ],
    'more than is allowed'                => [ $data . "x\r\n" x 700_000 . ".\r\n$quit",         '220 250x3 354 552 221' ],
    'far more than is allowed'            => [ $data . ( 'y' x 998 . "\r\n" ) x 5000,            '220 250x3 354 552' ],
    'headers without an end'              => [ $data . "X-Header: x\r\n" x 100_000 . ".\r\n$quit", '220 250x3 354 552 221' ],
    'one line of two megabytes'           => [ $data . 'z' x 2_000_000 . "\r\n.\r\n$quit",       '220 250x3 354 552 221' ],

    # what is not the end
    'dots'                                => [ "${data}.x\r\n..\r\n. \r\n...\r\n.\t\r\n.\r\n$quit", '220 250x3 354 250 221' ],
    'LF dot LF, then another'             => [ "${data}x\n.\n$mail${rcpt}DATA\r\nx\r\n.\r\n$quit", '220 250x3 354 250 421' ],
    'CR LF NUL dot'                       => [ "${data}x\r\n\0.\r\n$mail${rcpt}DATA\r\nx\r\n.\r\n$quit", '220 250x3 354 250 421' ],
    'commands behind the end'             => [ "${data}x\r\n.\r\n\0\r\n$mail",                  '220 250x3 354 250 521' ],

    # chunks
    'BDAT without a number'               => [ "${open}BDAT many\r\n$quit",                     '220 250x3 501' ],
    'BDAT below nothing'                  => [ "${open}BDAT -1 LAST\r\n$quit",                  '220 250x3 501' ],
    'BDAT beyond all numbers'             => [ "${open}BDAT 99999999999999999999999\r\n$quit",  '220 250x3 501' ],
    'BDAT of all there is'                => [ "${open}BDAT 18446744073709551615 LAST\r\n$quit", '220 250x3 552' ],
    'BDAT first or last'                  => [ "${open}BDAT 1 FIRST\r\n$quit",                  '220 250x3 501' ],
    'BDAT for nobody'                     => [ chunk("QUIT\r\n") . $ehlo . chunk( "QUIT\r\n", 1 ) . $mail . chunk( "QUIT\r\n", 1 ) . $quit, '220 503 250 503 250 554 221' ],
    'DATA between chunks'                 => [ $open . chunk('x') . "DATA\r\n$rcpt$mail" . chunk( 'x', 1 ) . $quit, '220 250x4 503x3 250 221' ],
    'nothing, a thousand times'           => [ $open . "BDAT 0\r\n" x 1000 . "RSET\r\n$quit",   '220 250x1004 221' ],
    'an end within a chunk'               => [ $open . chunk( "x\r\n.\r\nQUIT\r\n", 1 ) . $quit, '220 250x4 221' ],
    'a chunk that does not come'          => [ "${open}BDAT 100 LAST\r\nhalf",                  '220 250x3', 'half-close' ],

    # floods
    'VRFY'                                => [ $ehlo . "VRFY jean\r\n" x 1500,                  '220 250 252x1000 421' ],
    'EXPN'                                => [ $ehlo . "EXPN staff\r\n" x 50,                   '220 250 502x20 421' ],
    'NOOP'                                => [ "NOOP\r\n" x 1500,                               '220 250x1001 421' ],
    'RSET'                                => [ $ehlo . "RSET\r\n" x 1500,                       '220 250x1001 421' ],
    'EHLO'                                => [ $ehlo x 1500,                                    '220 250x1001 421' ],
    'HELP'                                => [ "HELP\r\n" x 1500,                               '220 214x1001 421' ],
    'passwords'                           => [ $ehlo . "AUTH PLAIN AGEAYg==\r\nAUTH LOGIN\r\n" x 30, '220 250 502x20 421' ],
    'old commands'                        => [ $ehlo . lines(qw(ETRN TURN SEND SOML XFORWARD)) . $quit, '220 250 502x2 500x3 221' ],
    'MAIL and RSET'                       => [ $ehlo . "${mail}RSET\r\n" x 800,                 '220 250x1001 421' ],
    'ten thousand recipients'             => [ "$ehlo$mail" . join( '', map {"RCPT TO:<r$_\@ours.example>\r\n"} 1 .. 10_000 ) . $quit, '220 250x1002 452x9000 221' ],
    'ten thousand guesses'                => [ "$ehlo$mail" . join( '', map {"RCPT TO:<nobody$_\@ours.example>\r\n"} 1 .. 10_000 ), '220 250x2 550x20 421' ],

    # who somebody says he is
    'XCLIENT from a stranger'             => [ "XCLIENT ADDR=192.0.2.1\r\n${ehlo}XCLIENT NAME=x HELO=y\r\n$quit", '220 550 250 550 221' ],
    'a PROXY header from a stranger'      => [ "PROXY TCP4 192.0.2.1 192.0.2.2 1 25\r\n$ehlo$quit", '220 500 250 221' ],
    'a PROXY header of bytes'             => [ $v2,                                             '220 500x2 521' ],

    # TLS
    $no_tls ? () : (
        'commands behind STARTTLS'        => [ "${ehlo}STARTTLS\r\n$mail${rcpt}$quit",          '220 250 220', 'half-close' ],
        'no TLS behind STARTTLS'          => [ "${ehlo}STARTTLS\r\n",                           '220 250 220', 'half-close' ],
        'STARTTLS within a message'       => [ "${open}STARTTLS\r\nSTARTTLS now\r\n$quit",       '220 250x3 503x2 221' ],
    ),

    # those who go
    map( { ( "gone after $_->[0]" => [ $_->[1], $_->[2], 'half-close' ] ) }
        [ 'nothing',     '',                                         '220' ],
        [ 'EHLO',        $ehlo,                                      '220 250' ],
        [ 'MAIL',        "$ehlo$mail",                               '220 250x2' ],
        [ 'RCPT',        $open,                                      undef ],    # as far as the look-up came
        [ 'DATA',        $data,                                      '220 250x3 354' ],
        [ 'half of it',  "${data}Subject: x\r\n\r\nhalf",            '220 250x3 354' ],
        [ 'all but LF',  "${data}Subject: x\r\n\r\nhalf\r\n.\r",     '220 250x3 354' ] ),
    map( { ( "torn off after $_->[0]" => [ $_->[1], undef, 'reset' ] ) }
        [ 'EHLO',        $ehlo ],
        [ 'DATA',        "${data}half" ],
        [ 'a chunk',     "$open" . chunk('half') ],
        [ 'the end',     "${data}whole\r\n.\r\n" ] ),
    'never reads'                         => [ $ehlo . "HELP\r\n" x 100_000,                    undef, 'deaf' ],
);
my %script = @scripts;

# --- playing them ---

# Codes in order, runs of one put together: "220 250x3 354".
sub codes_in {
    my ($said) = @_;
    my @runs;
    for my $code ( $said =~ /^(\d{3}) /mg ) {
        if ( @runs && $runs[-1][0] eq $code ) {
            $runs[-1][1]++;
        }
        else {
            push @runs, [ $code, 1 ];
        }
    }
    return join ' ', map { $_->[1] > 1 ? "$_->[0]x$_->[1]" : $_->[0] } @runs;
}

# Sends while it reads; the codes up to the end of the connection, or of patience.
sub play {
    my ( $world, $bytes, $end, $patience ) = @_;
    my $socket = IO::Socket::INET->new( PeerAddr => '127.0.0.1', PeerPort => $world->{port} ) or return "no connection: $!";
    $socket->blocking(0);
    my ( $said, $sent, $last ) = ( '', 0, time );
    while ( time - $last < ( $patience // 10 ) ) {
        my $all = $sent >= length $bytes;
        my $deaf = ( $end // '' ) eq 'deaf';
        last if $all && ( $end // '' ) eq 'reset';
        shutdown $socket, 1 if $all && ( $end // '' ) eq 'half-close' && !( $deaf = 0 );
        my ( $readable, $writable ) = IO::Select->select( $deaf ? undef : IO::Select->new($socket), $all ? undef : IO::Select->new($socket), undef, $deaf ? 1 : 5 );
        last if $deaf && !@{ $writable // [] };
        if ( @{ $writable // [] } ) {
            my $n = syswrite $socket, $bytes, 65536, $sent;
            $sent = defined $n ? $sent + $n : $!{EAGAIN} ? $sent : length $bytes;
            $last = time;
        }
        if ( @{ $readable // [] } ) {
            my $n = sysread $socket, $said, 65536, length $said;
            last if defined $n ? $n == 0 : !$!{EAGAIN};
            $last = time;
        }
    }
    setsockopt $socket, SOL_SOCKET, SO_LINGER, pack( 'ii', 1, 0 ) if ( $end // '' ) eq 'reset';
    close $socket;
    return codes_in($said);
}

sub descriptors {
    my ($pid) = @_;
    opendir my $dir, "/proc/$pid/fd" or return -1;
    return scalar grep {/^\d/} readdir $dir;
}

sub memory {
    my ($pid) = @_;
    open my $file, '<', "/proc/$pid/status" or return -1;
    my ($kb) = map {/^VmRSS:\s+(\d+)/} <$file>;
    return $kb / 1024;
}

# What a client that behaves gets through in so many seconds, at most a message each 20 ms.
sub goodput {
    my ( $world, $seconds ) = @_;
    my $end = time + $seconds;
    my $accepted = 0;
    while ( time < $end ) {
        my $next = time + 0.02;
        my $client = eval { $world->client } or next;
        $accepted++ if ( $client->send_mail("Subject: x\n\nhello\n") // '' ) =~ /^250 /;
        $client->hang_up;
        my $left = $next - time;
        sleep $left if $left > 0;
    }
    return $accepted;
}

my $limits = "smtp { size_limit = 1M; client_sessions_limit = 12000; sessions_limit = 12000$tls }";
my $calm = "gate { tarpit = 0; harvest_limit = 0 }";
my $sanitized = ( $ENV{POTERNE_BUILD} // '' ) =~ /asan/;

# Each with its codes, twice: what the first round needs is not a leak.
{
    my $world = Poterne::World->start( settings => "$limits\n$calm" );
    my $pid = $world->edge_pid;
    cmp_ok( scalar keys %script, '>=', 45, scalar( keys %script ) . ' scripts' );
    my ( $fds, $size );
    for my $round ( 1, 2 ) {
        for ( my $i = 0 ; $i < @scripts ; $i += 2 ) {
            my ( $name, $script ) = @scripts[ $i, $i + 1 ];
            my ( $bytes, $codes, $end ) = @$script;
            my $got = play( $world, $bytes, $end );
            is( $got, $codes, $name ) if $round == 1 && defined $codes;
        }
        ok( wait_until( 15, sub { !$world->files('incoming') } ), "round $round: nothing is left half received" );
        wait_until( 5, sub { defined $fds && descriptors($pid) <= $fds } );
        $fds //= descriptors($pid);
        $size //= memory($pid);
    }
    is( $world->edge_pid, $pid, 'edge has lived through it' );
    cmp_ok( descriptors($pid), '<=', $fds, 'no descriptor is left' );
    cmp_ok( memory($pid), '<', $size + ( $sanitized ? 200 : 6 ), 'no memory is left' );
    like( $world->client->send_mail("hello\n"), qr/^250 /, 'others are served' );
    is( $world->stop, 0, 'drained' );
}

# All at once, with what the gate does by itself, beside a client that behaves.
{
    my $world = Poterne::World->start( settings => "$limits\ngate { harvest_limit = 0 }" );
    my $quiet = goodput( $world, 4 );
    my @names = grep { length $script{$_}[0] < 500_000 } keys %script;
    my @attackers = map {
        my $pid = fork // die "fork: $!\n";
        if ( !$pid ) {
            my $end = time + 20;
            srand $_;
            POSIX::nice(10);    # they are to load the gateway, not this machine
            while ( time < $end ) {
                play( $world, @{ $script{$_} }[ 0, 2 ], 2 ) for shuffle @names;
                last if time > $end;
            }
            POSIX::_exit(0);
        }
        $pid;
    } 1 .. 4;
    sleep 1;
    my $loud = 0;
    for ( 1 .. 3 ) {    # this machine may be busy with something else
        $loud = goodput( $world, 4 );
        last if $loud >= 0.9 * $quiet;
    }
    kill KILL => @attackers;
    waitpid $_, 0 for @attackers;
    note "messages in 4 s: $quiet in quiet, $loud under attack";
    cmp_ok( $loud, '>=', 0.9 * $quiet, 'goodput under attack' );
    is( $world->stop, 0, 'drained' );
}

# Slowloris: sessions that drip a byte now and then.
{
    my $wanted = $ENV{POTERNE_TEST_ALL} ? 10_000 : 2_000;
    my $n = $files / 2 + 900 < $wanted ? int $files / 2 + 900 : $wanted;    # edge keeps some for what it does
    my $world = Poterne::World->start( settings => "smtp { sessions_limit = 11500; client_sessions_limit = 11500; command_timeout = 10s }" );
    my $pid = $world->edge_pid;
    my $quiet = goodput( $world, 3 );
    my $fds = descriptors($pid);
    my @slow = map { $world->client( silent => 1 ) } 1 .. $n;
    $_->bytes('EHL') for @slow;
    my $loud = goodput( $world, 3 );
    $loud = goodput( $world, 3 ) if $loud < 0.9 * $quiet;
    note "messages in 3 s: $quiet in quiet, $loud beside $n sessions that drip";
    cmp_ok( $loud, '>=', 0.9 * $quiet, "goodput beside $n slow sessions" );
    ok( wait_until( 60, sub { descriptors($pid) <= $fds + 2 } ), 'they are ended in time' );
    is( scalar( grep { ( $_->hear(5) // '' ) =~ /^220/ && ( $_->hear(5) // '' ) =~ /^421 4\.4\.2/ } @slow[ 0 .. 9 ] ), 10, 'with 421' );
    $_->hang_up for @slow;
    is( $world->stop, 0, 'drained' );
}
done_testing();
