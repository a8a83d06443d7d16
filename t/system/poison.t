#!/usr/bin/perl
# A wave of poisoned reports: by ordinary users nothing is learned of it and little waits; by a
# hijacked manager's account what is learned makes no error of ham, and can be taken back whole.
# 700 reported messages; with POTERNE_TEST_ALL=1 ten thousand.
use strict;
use warnings;

use File::Temp qw(tempdir);
use List::Util qw(shuffle);
use Test::More;
use Time::HiRes qw(sleep time);
use lib 't/lib';
use Poterne::Gateway;
use Poterne::Load;
use Poterne::Process qw(command_answer wait_until);

use constant { LESSONS => 600, CONFIRMED => 150, A_TURN => 50, CONTROL => 60, A_REPORT => 100, A_REPORTER => 200, OFFICE => '127.0.0.9' };
my ( $n_users, $mails_each, $by_manager ) = $ENV{POTERNE_TEST_ALL} ? ( 8, 10, 20 ) : ( 2, 2, 3 );

srand 11;
my $domain = 'poison.example';
my ( $chef, $claire, $missed, $tagged ) = map { "$_\@$domain" } qw(chef claire spam ham);
my @users = map { "user$_\@$domain" } 1 .. $n_users;
my $root = tempdir( 'poterne-poison-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $gateway = Poterne::Gateway->new(
    root     => "$root/gateway",
    settings => {
        ''      => { managers => "{ $chef }" },
        reports => { spam     => $missed, ham => $tagged, trusted => '{ ' . OFFICE . ' }' },
    },
    domains => {
        $domain => {
            next_hop   => Poterne::Gateway::maildir_hop("$root/gateway"),
            recipients => [ $chef, $claire, @users ]
        }
    }
)->start;

# --- made-up mail: each class has its words, the most frequent first; a few of the other's, and common ones ---

sub made_up_words {
    my ($n) = @_;
    my %seen;
    my @syllables = map { my $first = $_; map { "$first$_" } qw(a e i o u an er) } qw(b c d f g l m n p r s t v);
    while ( keys %seen < $n ) {
        $seen{ join '', map { $syllables[ rand @syllables ] } 1 .. 2 + int rand 3 } = 1;
    }
    return sort keys %seen;
}
my @all = made_up_words(1500);
my %words = ( ham => [ @all[ 0 .. 599 ] ], spam => [ @all[ 600 .. 1199 ] ], common => [ @all[ 1200 .. 1499 ] ] );

sub some_words {
    my ( $class, $n ) = @_;
    my @pool = @{ $words{$class} };
    return map { $pool[ @pool * rand()**2 ] } 1 .. $n;
}

my $serial = 0;

# A message with so many words of each kind ({ ham => 40 … }).
sub message {
    my (%n) = @_;
    my @text = shuffle map { some_words( $_, $n{$_} ) } sort keys %n;
    my $who = join '.', some_words( common => 2 );
    $serial++;
    s/(.{60,}?) /$1\n/g for my $text = "@text";
    return "From: $who <$who\@remote$serial.example>\nTo: <$claire>\nSubject: @text[ 0 .. 2 ]\n"
        . "Date: Fri, 20 Nov 2026 09:12:44 +0100\nMessage-ID: <$serial.poison\@remote.example>\n\n$text\n";
}

sub some_of { return int( $_[0] * ( 0.6 + rand 0.8 ) ) }

my %make = (
    ham     => sub { message( ham => some_of(40), spam => some_of(3), common => some_of(30) ) },
    spam    => sub { message( ham => some_of(3), spam => some_of(40), common => some_of(30) ) },
    stuffed => sub { message( ham => some_of(60), spam => some_of(15), common => some_of(20) ) },
);

# The same again, but for a name and a number.
sub campaign {
    my ($n) = @_;
    my $first = $make{stuffed}->();
    return map {
        my $name = join '', map { ( 'a' .. 'z' )[ rand 26 ] } 1 .. 8;
        $first =~ s/\n\n/\n\nDear $name $_,\n/r =~ s/^Message-ID: </Message-ID: <$name./mr;
    } 1 .. $n;
}

sub write_folder {
    my ( $name, @messages ) = @_;
    mkdir "$root/$name";
    for my $n ( 0 .. $#messages ) {
        Poterne::Gateway::write_file( sprintf( '%s/%s/%05d.eml', $root, $name, $n ), $messages[$n] );
    }
    return "$root/$name";
}

# In turns: what is taught last weighs most (bayes/README.md).
sub teach {
    my ($n) = @_;
    my @wrong;
    for my $turn ( 1 .. $n / A_TURN ) {
        for my $class (qw(ham spam)) {
            my $folder = write_folder( 'lesson-' . ++$serial, map { $make{$class}->() } 1 .. A_TURN );
            my ( $status, $said ) = $gateway->poterne( 'learn', "--$class", $folder );
            push @wrong, $said if $status;
        }
    }
    is( "@wrong", '', "$n ham and $n spam are learned" );
    sleep 1.1;    # whether something was held out before a model was built is known by the second
    return;
}

# The first day, and then as much as it takes for a model to prove itself (bayes/guard.h: GUARD_PROVED).
teach(LESSONS);
teach(CONFIRMED);

# --- how new mail is judged ---

my %control = map { my $class = $_; $class => write_folder( "control-$class", map { $make{$class}->() } 1 .. CONTROL ) } qw(ham spam);

# { path => "verdict score" } of the control mail.
sub judged {
    my %judged;
    for my $result ( $gateway->poterne_json( 'check', '--no-antivirus', values %control ) ) {
        $judged{ $result->{path} } = sprintf '%s %.3f', $result->{verdict} // $result->{error}, $result->{score}{bayes} // 0;
    }
    return \%judged;
}

# ( ham that pass 2 has for spam, ham tagged, spam let through )
sub errors_of {
    my ($judged) = @_;
    my %of = map { my $class = $_; $class => [ map { $judged->{$_} } grep { /control-$class/ } keys %$judged ] } qw(ham spam);
    return ( scalar( grep { / -/ } @{ $of{ham} } ), scalar( grep { !/^ham / } @{ $of{ham} } ), scalar( grep { /^ham / } @{ $of{spam} } ) );
}

sub in_service {
    my ($serving) = grep { $_->{state} eq 'in service' } $gateway->poterne_json( 'model', 'list' );
    return $serving ? $serving->{number} : 0;
}

my $before = judged();
is( scalar keys %$before, 2 * CONTROL, 'the control mail is judged' );
my @errors_before = errors_of($before);
cmp_ok( $errors_before[0], '<=', CONTROL / 10, 'its ham is mostly ham' );
cmp_ok( $errors_before[2], '<=', CONTROL / 10, 'and its spam mostly spam' );
my $model_before = in_service();
cmp_ok( $model_before, '>=', 1, 'a model is in service' );
my $newest_before = ( $gateway->poterne_json( 'model', 'list' ) )[0]{number};

# --- the wave ---

sub report {
    my ( $smtp, $from, $to, @originals ) = @_;
    my $mail = "From: <$from>\nTo: <$to>\nSubject: Fwd: messages\nMIME-Version: 1.0\n"
        . "Message-ID: <" . ++$serial . ".report\@$domain>\nContent-Type: multipart/mixed; boundary=xyz\n\n";
    $mail .= "--xyz\nContent-Type: message/rfc822\n\n$_\n" for @originals;
    my $result = $smtp->send( from => $from, to => [$to], data => \"$mail--xyz--\n" );
    return $result->{code} == 250;
}

# Reports (each [from, to, originals…]) over one session, with ordinary mail beside them; says how long they took and
# how long that mail's senders waited.
sub wave {
    my ( $local, @reports ) = @_;
    my $load = Poterne::Load->start( port => $gateway->{port}, to => $claire, sessions => 2, pause => 0.1, prefix => "$serial-" );
    my $started = time;
    my $smtp = $gateway->smtp( $local ? ( local => $local ) : () );
    is( scalar( grep { report( $smtp, @$_ ) } @reports ), scalar @reports, 'all reports are taken' );
    $smtp->quit;
    my $letter = $make{ham}->();
    my ($id) = $letter =~ /^(Message-ID: .*)$/m;
    my $asked = time;
    $gateway->send_one( from => 'a@remote.example', to => [$claire], data => \$letter );
    ok( wait_until( 30, sub { grep { /^\Q$id\E/m } $gateway->maildir_messages($claire) } ), 'mail is delivered meanwhile' );
    my $delivered = time - $asked;
    ok( $gateway->wait_for_empty_queue( $ENV{POTERNE_TEST_ALL} ? 1200 : 120 ), 'all reports are worked on' );
    my $took = time - $started;
    my $answers = $load->stop;
    my @waited = sort { $a <=> $b } map { $_->[2] || 0 } values %$answers;
    is( scalar( grep { $_->[0] != 250 } values %$answers ), 0, 'ordinary mail is taken meanwhile' );
    cmp_ok( $waited[ @waited / 2 ], '<', 1, 'as fast as ever' );
    cmp_ok( $waited[-1], '<', 10, 'each of it' );
    note sprintf '%d reports in %.1f s; beside them %d messages, half of them answered within %.3f s, all within %.3f s, '
        . 'one delivered after %.1f s', scalar @reports, $took, scalar @waited, $waited[ @waited / 2 ], $waited[-1], $delivered;
    return;
}

sub listed { return $gateway->poterne_json( 'reports', 'list', '--limit', 100_000, @_ ) }

sub disk_used {
    my ( undef, $said ) = command_answer( 'du', '-sk', "$root/gateway/state/$_[0]" );
    return ( split ' ', $said )[0] / 1024;
}

# --- by ordinary users: campaigns, and as many messages that are like no other ---

my @reports;
for my $n ( 1 .. $mails_each ) {
    for my $i ( 0 .. $#users ) {
        my $kind = ( $n + $i ) % 2 ? 'campaign' : $n % 4 < 2 ? 'ham' : 'stuffed';
        push @reports, [ $users[$i], $missed, $kind eq 'campaign' ? campaign(A_REPORT) : map { $make{$kind}->() } 1 .. A_REPORT ];
    }
}
wave( undef, @reports );
my $kept = () = listed('--each');
my @groups = listed();
note sprintf '%d messages reported by %d users: %d wait, in %d groups; %.1f MB', @reports * A_REPORT, $n_users, $kept, scalar @groups, disk_used('reports');
cmp_ok( $kept, '>', 0, 'some of it waits' );
cmp_ok( $kept, '<=', $n_users * A_REPORTER, 'no more than reports.reporter_limit of each' );
cmp_ok( scalar( grep { $_->{messages} >= A_REPORT / 2 } @groups ), '>=', $n_users / 2, 'what is nearly identical is one line' );
my ( undef, $list ) = $gateway->poterne('reports');
cmp_ok( ( $list =~ tr/\n// ), '<', 30, 'the list for people is short' ) or diag($list);
is( in_service(), $model_before, 'the model is the same' );
is( ( $gateway->poterne_json( 'model', 'list' ) )[0]{number}, $newest_before, 'and no other was tried' );
is_deeply( judged(), $before, 'every verdict and score is what it was' );

# --- by a manager's account that somebody stole ---

my @lies = ( [ $missed, 'ham' ], [ $missed, 'ham' ], [ $tagged, 'spam' ], [ $missed, 'stuffed' ] );
@reports = map { my ( $to, $kind ) = @{ $lies[ $_ % @lies ] }; [ $chef, $to, map { $make{$kind}->() } 1 .. A_REPORT ] } 0 .. $by_manager - 1;
wave( OFFICE, @reports );
$gateway->poterne( 'model', 'publish' );
my @models = $gateway->poterne_json( 'model', 'list' );
my $after = judged();
my @errors_after = errors_of($after);
my $capped = () = listed( '--each', '--state', 'capped' );
my @refused = grep { $_->{state} eq 'refused' } @models;
note sprintf '%d messages reported by a manager: %d of %d new models refused, %d proposals capped; ham below 0, ham tagged, '
    . 'spam missed of %d each: %d %d %d before, %d %d %d after; %.1f MB, all state %.1f MB', @reports * A_REPORT, scalar @refused,
    $models[0]{number} - $newest_before, $capped, CONTROL, @errors_before, @errors_after, disk_used('reports'), disk_used('');
note "  model $_->{number} $_->{state}: $_->{spam} spam, $_->{ham} ham: $_->{why}" for @models;
cmp_ok( $errors_after[$_], '<=', $errors_before[$_], ( 'no more ham is below 0', 'no more ham is tagged' )[$_] ) for 0, 1;
cmp_ok( scalar @refused, '>', 0, 'models were refused' );
cmp_ok( $capped, '>', 0, 'reports were capped' ) if $ENV{POTERNE_TEST_ALL};
cmp_ok( $capped, '<=', A_REPORTER, 'what was capped is bounded, too' );

# --- all of it taken back ---

my ( $status, $said ) = $gateway->poterne( 'reports', 'reject', '--by', $chef, '--why', 'stolen account' );
cmp_ok( $status, '<=', $capped ? 0 : 1, 'what the caps held back is rejected' ) or diag($said);
is( scalar( listed( '--each', '--state', 'capped' ) ), 0, 'so that none of it is learned later' );
( $status, $said ) =
    $gateway->poterne( 'learn', '--forget', write_folder( 'stolen', map { my ( undef, undef, @originals ) = @$_; @originals } @reports ) );
is( $status, 0, 'what was learned is taken back' ) or diag($said);
note $said;
( $status, $said ) = $gateway->poterne( 'model', 'publish' );
is( $status, 0, 'a model of the rest goes live' ) or diag($said);
is_deeply( judged(), $before, 'every verdict and score is what it was before the wave' );
is( $gateway->stop, 0, 'the gateway stops' );
unlike( $gateway->log_text, qr/reader died/, 'no reader died' );
done_testing();
