#!/usr/bin/perl
# State that older versions wrote (t/data/upgrade), taken over by this one: what was queued is delivered, what was
# held is found and released, old mail is traced, the model serves, and what was learned can be taken back.
use strict;
use warnings;

use File::Copy qw(move);
use File::Temp qw(tempdir);
use Test::More;
use lib 't/lib';
use Poterne::Gateway;
use Poterne::Mail qw(letter);
use Poterne::Process qw(wait_until);

# One that vanishes is missed, and one that comes is named here and in ARCHITECTURE.md (Formats).
my @names = qw(ledger1-journal1-spool1 ledger2-journal1-spool1 ledger3-journal1-spool2 ledger3-journal4-spool4);
my @samples = map {"t/data/upgrade/$_.tar.xz"} @names;
is_deeply( [ glob 't/data/upgrade/*.tar.xz' ], \@samples, 'the samples are there' );

# The folders belong to whom they are of now; so does what is put into them.
sub put_state {
    my ( $from, $to ) = @_;
    for my $folder (qw(bayes journal queue quarantine)) {
        my ( $uid, $gid ) = ( stat "$to/$folder" )[ 4, 5 ];
        system( 'rm', '-rf', glob "$to/$folder/*" ) == 0 or die;
        system( 'cp', '-a', '--sparse=always', "$from/$folder/.", "$to/$folder/" ) == 0 or die;
        system( 'chown', '-hR', "$uid:$gid", "$to/$folder" ) == 0 or die if $> == 0;
        chmod 02770, "$to/$folder";
    }
    return if !-e "$from/signature.key";    # the oldest signed nothing
    my ( $uid, $gid ) = ( stat "$to/signature.key" )[ 4, 5 ];
    system( 'cp', "$from/signature.key", "$to/signature.key" ) == 0 or die;
    chown $uid, $gid, "$to/signature.key";
    return;
}

sub versions {
    my ($folder) = @_;
    my %version;
    for my $path ( glob "$folder/[0-9]*" ) {
        open my $file, '<:raw', $path or die "$path: $!\n";
        read $file, my $head, 12;
        $version{ unpack 'x8 V', $head }++;
    }
    return join ' ', sort keys %version;
}

sub take_over {
    my ($sample) = @_;
    my ($name) = $sample =~ m{([^/]+)\.tar\.xz$};
    my $root = tempdir( 'poterne-upgrade-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
    chmod 0755, $root;
    system( 'tar', '-C', $root, '--no-same-owner', '-xJf', $sample ) == 0 or die "$sample can not be unpacked\n";
    rename "$root/state", "$root/old";
    my $hop = Poterne::Gateway::maildir_hop($root);
    my $gateway = Poterne::Gateway->new(
        root     => $root,
        settings => { antivirus => { engines => '{ }' }, bayes => { publish_delay => '1s' } },
        domains  => {
            'old.example'     => { next_hop => $hop, recipients => ['jean@old.example'] },
            'waiting.example' => { next_hop => $hop, recipients => [ 'marie@waiting.example', 'far@waiting.example' ] }
        }
    )->start;
    $gateway->stop;
    my ($spool) = $name =~ /spool(\d)/;
    like( versions("$root/old/queue"), qr/$spool$/, "$name: the sample is what it says" );
    put_state( "$root/old", "$root/state" );
    $gateway->start;

    my $waiting = sub { grep { /^Subject: a waiting letter/m } $gateway->maildir_messages('marie@waiting.example') };
    ok( wait_until( 60, sub { $waiting->() } ), "$name: what was queued is delivered" );
    ok( wait_until( 60, sub { $gateway->maildir_messages('far@waiting.example') } ), '… what was redirected, too' ) if $spool >= 2;
    ok( wait_until( 60, sub { !$gateway->spooled('queue') } ), '… and the queue is empty' );
    is( scalar $waiting->(), 1, '… once' );

    my ( $status, $said ) = $gateway->poterne( 'trace', 'jean@old.example' );
    like( $said, qr/a delivered letter.*delivered/s, '… old mail is traced' ) or diag($said);
    my @held = $gateway->poterne_json( 'quarantine', 'list' );
    is( scalar @held, 1, '… what was held is listed' );
    ( $status, $said ) = $gateway->poterne( 'quarantine', 'release', '--no-scan', '--force', $gateway->spooled('quarantine') );
    is( $status, 0, '… and released' ) or diag($said);
    ok( wait_until( 60, sub { grep { /eicar\.com/ } $gateway->maildir_messages('jean@old.example') } ), '… to whom it was for' );

    ( $status, $said ) = $gateway->poterne( 'model', 'list' );
    like( $said, qr/in service/, '… a model serves' ) or diag($said);
    # what a message is known by is another thing since version 3: an older one counts, and can't be found any more
    my $known = $name =~ /^ledger3/;
    my $old = $known ? 0 : 12;
    ( $status, $said ) = $gateway->poterne( 'learn', '--spam', "$root/letters/spam" );
    like( $said, $known ? qr/12 known before.*in all 12 spam and 12 ham/ : qr/in all 24 spam and 12 ham/, '… what was learned counts' ) or diag($said);
    ( $status, $said ) = $gateway->poterne( 'learn', '--forget', "$root/letters/spam" );
    like( $said, qr/12 taken back.*in all $old spam and 12 ham/, '… and can be taken back' ) or diag($said);
    ( $status, $said ) = $gateway->poterne( 'learn', '--ham', "$root/letters/spam" );
    like( $said, qr/in all $old spam and 24 ham/, '… and learned anew' ) or diag($said);

    my $message = letter( 'jean@old.example', "after $name", "new mail\n" );
    is( $gateway->send_one( from => 'a@remote.example', to => ['jean@old.example'], data => \$message )->{code}, 250, '… new mail is taken' );
    ok( wait_until( 60, sub { grep { /^Subject:.*after \Q$name\E/m } $gateway->maildir_messages('jean@old.example') } ), '… and delivered' );
    is( scalar( () = $gateway->spooled('corrupt') ), 0, '… and nothing is set aside' );
    is( scalar( () = glob "$root/state/bayes/ledger.damaged-*" ), 0, '… and the ledger is the old one' );
    is( $gateway->stop, 0, '… and the gateway stops as asked' );
    return;
}

take_over($_) for @samples;
done_testing();
